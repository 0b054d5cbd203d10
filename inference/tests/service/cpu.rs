//! Builds of the CPU code: one that faults is passed over.

use std::path::{Path, PathBuf};
use std::process::Command;

use echofs_inference::Generator;
use echofs_inference::cpu;

use crate::common::{Fixture, ask};

/// The built libraries.
fn libraries() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_echofs-inference"));
    cpu::directory(&cpu::candidates(program)).expect("libraries beside the program")
}

/// A library that claims to be the best build and dies of an illegal instruction when it is used.
fn build_faulty(directory: &Path) {
    let source = directory.join("faulty.c");
    let code =
        "int ggml_backend_score(void) { return 1 << 30; }\nvoid *ggml_backend_init(void) { __builtin_trap(); }\n";
    std::fs::write(&source, code).expect("written");
    let library = directory.join("libggml-cpu-faulty.so");
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(library).arg(source).status();
    assert!(done.expect("a C compiler").success());
}

#[test]
fn a_build_that_faults_is_passed_over_for_the_next_one() {
    let dir = tempfile::tempdir().expect("a directory");
    for variant in cpu::variants(&libraries()) {
        let name = variant.path.file_name().expect("a name");
        std::os::unix::fs::symlink(&variant.path, dir.path().join(name)).expect("a link");
    }
    build_faulty(dir.path());
    let script = dir.path().join("service");
    let text = format!(
        "#!/bin/sh\nexec {} --libraries {} \"$@\"\n",
        env!("CARGO_BIN_EXE_echofs-inference"),
        dir.path().display()
    );
    std::fs::write(&script, text).expect("written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&script, executable).expect("set");
    let service = Fixture::with(|config| config.binary = script);
    let usual = Fixture::new();
    let request = ask("Name a fruit.", 8);
    assert_eq!(service.text(&request), usual.text(&request));
    let cpu = service.client.status().cpu;
    assert_eq!(cpu, usual.client.status().cpu);
    assert!(cpu.is_some_and(|name| name != "faulty"));
}

#[test]
fn a_build_can_be_named_and_every_one_that_runs_here_computes_an_answer() {
    let service = Fixture::with(|config| config.cpu = Some("x64".into()));
    assert!(service.say(&ask("Hi", 2)).is_ok());
    assert_eq!(service.client.status().cpu.as_deref(), Some("x64"));
    let unknown = Fixture::with(|config| config.cpu = Some("pdp11".into()));
    let error = unknown.say(&ask("Hi", 2)).expect_err("there is none").to_string();
    assert!(error.contains("no CPU code named pdp11"), "{error}");
}
