package io.tiermount.daemon;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The arrows of docs/ARCHITECTURE.md: daemon → fs → backends, and one importer per library. */
final class ArchitectureTest {
  // Read once: it is the slow part, and it does not change.
  private static JavaClasses ours = new ClassFileImporter().importPackages("io.tiermount.none");

  @BeforeAll
  static void read() {
    ours =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("-tests.jar"))
            .withImportOption(location -> !location.contains("test-classes"))
            .importPackages("io.tiermount");
  }

  @Test
  void backends_know_nobody_above_them() {
    noClasses()
        .that()
        .resideInAPackage("io.tiermount.backends..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.tiermount.fs..", "io.tiermount.daemon..")
        .check(ours);
  }

  @Test
  void the_file_system_knows_no_daemon() {
    noClasses()
        .that()
        .resideInAPackage("io.tiermount.fs..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.tiermount.daemon..")
        .check(ours);
  }

  @Test
  void the_leaf_of_system_calls_depends_on_nothing_of_ours() {
    noClasses()
        .that()
        .resideInAPackage("io.tiermount.backends.os..")
        .should()
        .dependOnClassesThat(
            DescribedPredicate.describe(
                "are ours elsewhere",
                c ->
                    c.getPackageName().startsWith("io.tiermount.")
                        && !c.getPackageName().startsWith("io.tiermount.backends.os")))
        .check(ours);
  }

  @Test
  void the_file_system_knows_no_particular_store() {
    noClasses()
        .that()
        .resideInAPackage("io.tiermount.fs..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.tiermount.backends.s3..",
            "io.tiermount.backends.local..",
            "io.tiermount.backends.gcs..",
            "io.tiermount.backends.azure..",
            "io.tiermount.backends.nfs..")
        .check(ours);
  }

  @Test
  void packages_of_the_daemon_form_no_circle() {
    SlicesRuleDefinition.slices()
        .matching("io.tiermount.(daemon..)")
        .should()
        .beFreeOfCycles()
        .check(ours);
  }

  @Test
  void typesafe_config_stays_in_the_parser() {
    only("io.tiermount.daemon.config..", "com.typesafe.config..");
  }

  @Test
  void rocksdb_stays_in_meta() {
    only("io.tiermount.fs.meta..", "org.rocksdb..");
  }

  @Test
  void the_aws_sdk_stays_in_its_store() {
    only("io.tiermount.backends.s3..", "software.amazon.awssdk..");
  }

  @Test
  void jnr_stays_in_its_transport() {
    only("io.tiermount.fs.fuse.libfuse..", "jnr..");
    only("io.tiermount.fs.fuse.libfuse..", "ru.serce..");
  }

  @Test
  void netty_and_jackson_stay_at_the_admin_door() {
    only("io.tiermount.daemon.admin..", "io.netty..");
    noClasses()
        .that()
        .resideOutsideOfPackage("io.tiermount.daemon..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.fasterxml.jackson..")
        .check(ours);
  }

  @Test
  void picocli_stays_in_the_commands() {
    only("io.tiermount.daemon.cli..", "picocli..");
  }

  private static void only(String home, String library) {
    noClasses()
        .that()
        .resideOutsideOfPackage(home)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library)
        .allowEmptyShould(true)
        .check(ours);
  }
}
