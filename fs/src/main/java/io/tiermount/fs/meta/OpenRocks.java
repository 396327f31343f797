package io.tiermount.fs.meta;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;

/** An open database and its column families, ours first, in the order of their names. */
record OpenRocks(RocksDB database, List<ColumnFamilyHandle> handles) implements AutoCloseable {
  private static final String DEFAULT_COLUMN = "default";

  static OpenRocks open(Path directory, List<String> columnNames, RocksOptions options)
      throws RocksDBException {
    Set<String> names = new LinkedHashSet<>(columnNames);
    names.add(DEFAULT_COLUMN);
    if (Files.exists(directory.resolve("CURRENT"))) {
      // RocksDB insists on opening all there are, those of another version of ours too.
      try (Options plain = new Options()) {
        for (byte[] name : RocksDB.listColumnFamilies(plain, directory.toString())) {
          names.add(new String(name, StandardCharsets.UTF_8));
        }
      }
    }
    List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
    for (String name : names) {
      byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
      descriptors.add(new ColumnFamilyDescriptor(bytes, options.columns));
    }
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    RocksDB database = RocksDB.open(options.database, directory.toString(), descriptors, handles);
    return new OpenRocks(database, handles);
  }

  ColumnFamilyHandle handle(int index) {
    return handles.get(index);
  }

  @Override
  public void close() {
    handles.forEach(ColumnFamilyHandle::close);
    database.close();
  }
}
