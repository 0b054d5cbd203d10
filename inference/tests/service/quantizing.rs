//! Models in other formats, made by a child process.

use std::path::Path;
use std::process::{Command, Stdio};

use echofs_inference::gguf::Head;
use echofs_inference::{probe, quantize};

use crate::common::{Fixture, ask, model, wait_for};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_echofs-inference"))
}

fn format(name: &str) -> quantize::Format {
    quantize::named(name).expect("a format")
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_model_is_written_in_fewer_bits_with_progress_and_works() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = dir.path().join("small-q3_k_m.gguf");
    let mut steps = Vec::new();
    let done = quantize::run(program(), &model(), format("q3_k_m"), &output, &mut |done, all| steps.push((done, all)));
    assert_eq!(done, Ok(()));
    let (last, all) = *steps.last().expect("progress");
    assert!(last == all && all > 100 && steps.iter().any(|(done, _)| *done < all / 2), "{last} of {all}");
    assert_eq!(files(dir.path()), ["small-q3_k_m.gguf"]);
    let (before, after) = (Head::read(&model()).expect("a head"), Head::read(&output).expect("a head"));
    assert!(after.bytes < before.bytes && after.weights == before.weights);
    assert_eq!(after.file_type(), Some(12));
    let service = Fixture::with(|config| config.model = Some(output));
    assert!(service.say(&ask("Hi", 8)).is_ok_and(|done| done.output_tokens > 0));
}

#[test]
fn what_cannot_be_converted_is_an_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = dir.path().join("out.gguf");
    let whole = std::fs::read(model()).expect("readable");
    let inputs = [
        ("text.gguf", b"no model at all".to_vec()),
        ("cut.gguf", whole[..whole.len() / 2].to_vec()),
        ("head.gguf", whole[..5000].to_vec()),
        ("empty.gguf", Vec::new()),
    ];
    for (name, bytes) in inputs {
        let input = dir.path().join(name);
        std::fs::write(&input, bytes).expect("written");
        let done = quantize::run(program(), &input, format("q4_0"), &output, &mut |_, _| {});
        assert!(done.as_ref().is_err_and(|why| !why.is_empty()), "{name}: {done:?}");
        std::fs::remove_file(&input).expect("removed");
        assert_eq!(files(dir.path()), Vec::<String>::new(), "{name}: {done:?}");
    }
    let done = quantize::run(program(), &model(), format("q4_0"), &dir.path().join("no/such/out.gguf"), &mut |_, _| {});
    assert!(done.is_err());
    let done = quantize::run(Path::new("/nowhere/x"), &model(), format("q4_0"), &output, &mut |_, _| {});
    assert!(done.is_err_and(|why| why.contains("/nowhere/x cannot be started")));
    let tiny = dir.path().join("tiny.gguf");
    std::fs::write(&tiny, probe::model()).expect("written");
    let _ = quantize::run(program(), &tiny, format("q8_0"), &output, &mut |_, _| {});
}

#[test]
fn a_full_disk_is_told_before_anything_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=20m", "echofs-test"]).arg(dir.path()).output();
    if !mounted.is_ok_and(|done| done.status.success()) {
        eprintln!("not run: only root can mount a small disk");
        return;
    }
    let done = quantize::run(program(), &model(), format("q4_0"), &dir.path().join("out.gguf"), &mut |_, _| {});
    let left = files(dir.path());
    let unmounted = Command::new("umount").arg(dir.path()).status();
    assert!(done.as_ref().is_err_and(|why| why.contains("MB of disk") && why.contains("are free")), "{done:?}");
    assert!(left.is_empty() && unmounted.is_ok_and(|status| status.success()), "{left:?}");
}

#[test]
fn a_child_that_is_killed_leaves_no_half_file_under_the_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = dir.path().join("out.gguf");
    let mut child = Command::new(program())
        .arg("quantize")
        .args([model().as_os_str(), "q6_k".as_ref(), output.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    let partial = quantize::partial(&output);
    wait_for("it to write", || partial.metadata().is_ok_and(|meta| meta.len() > 0) || output.exists());
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(!output.exists() || Head::read(&output).is_ok());
    assert_eq!(quantize::run(program(), &model(), format("q6_k"), &output, &mut |_, _| {}), Ok(()));
    assert_eq!(files(dir.path()), ["out.gguf"]);
}
