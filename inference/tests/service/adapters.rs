//! LoRA adapters, with a real one that is made here for the test model.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use echofs_inference::{Adapter, Error, Generator, probe};

use crate::common::{Fixture, ask, model};

/// An adapter for the test model; made once, with public tools.
fn adapter(seed: u32) -> PathBuf {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = MADE.get_or_init(|| tempfile::tempdir().expect("a directory"));
    let path = dir.path().join(format!("style-{seed}.gguf"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/make-lora.py");
    let made = Command::new("python3").arg(script).arg(model()).arg(&path).args(["--seed", &seed.to_string()]).output();
    let made = made.expect("python3");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    path
}

#[test]
fn an_adapter_changes_the_text_by_its_scale_and_leaves_no_trace_when_it_is_off() {
    let (one, two) = (adapter(1), adapter(2));
    let service = Fixture::new();
    let request = ask("Tell me about the sea.", 24);
    let say = |adapter: Option<(&Path, f32)>| {
        service.client.set_adapter(adapter.map(|(path, scale)| Adapter { path: path.into(), scale }));
        service.text(&request)
    };
    let plain = say(None);
    let full = say(Some((&one, 1.0)));
    let half = say(Some((&one, 0.5)));
    let other = say(Some((&two, 1.0)));
    let mut texts = vec![&plain, &full, &half, &other];
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 4, "{texts:#?}");
    // Back and forth: no state of one adapter is taken for another's.
    assert_eq!(say(Some((&one, 1.0))), full);
    assert_eq!(say(None), plain);
    assert_eq!(say(Some((&one, 0.5))), half);
    assert_eq!(say(Some((&one, 0.0))), plain, "a scale of 0 is no adapter");
    assert_eq!(say(Some((&two, 1.0))), other);
    std::fs::remove_file(&two).expect("removed");
    assert_eq!(say(None), plain, "off works without the file");
    assert_eq!(service.client.status().restarts, 0);
}

#[test]
fn states_are_kept_apart_by_adapter_over_a_restart() {
    let (one, dir) = (adapter(3), tempfile::tempdir().expect("a directory"));
    let states = dir.path().join("states");
    let mut request = ask("Tell me about the sea.", 12);
    request.conversation = Some("sea".into());
    let run = |scale: Option<f32>| {
        let service = Fixture::with(|config| config.states = Some(states.clone()));
        service.client.set_adapter(scale.map(|scale| Adapter { path: one.clone(), scale }));
        let text = service.text(&request);
        service.settle();
        text
    };
    let (plain, full) = (run(None), run(Some(1.0)));
    assert_ne!(plain, full);
    assert_eq!((run(None), run(Some(1.0))), (plain, full));
}

#[test]
fn a_bad_adapter_is_refused_with_the_reason_and_the_next_request_works() {
    let service = Fixture::new();
    let good = adapter(4);
    let whole = std::fs::read(&good).expect("readable");
    let make = |name: &str, bytes: &[u8]| {
        let path = service.dir.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let mut foreign = whole.clone();
    let at = foreign.windows(5).position(|window| window == b"llama").expect("the architecture");
    foreign[at..at + 5].copy_from_slice(b"gpt2x");
    let cases = [
        (service.dir.path().join("gone.gguf"), "No such file"),
        (make("text.gguf", b"hello, world"), "no GGUF file"),
        (make("empty.gguf", b""), "fill"),
        (make("cut.gguf", &whole[..whole.len() / 2]), ""),
        (make("head.gguf", &whole[..200]), ""),
        (make("foreign.gguf", &foreign), "arch"),
        (make("model.gguf", &probe::model()), "adapter"),
        (model(), "adapter"),
    ];
    let request = ask("Hi", 2);
    let plain = service.text(&request);
    for (path, reason) in cases {
        service.client.set_adapter(Some(Adapter { path: path.clone(), scale: 1.0 }));
        let refused = service.say(&request);
        assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains(reason)), "{path:?}: {refused:?}");
        service.client.set_adapter(None);
        assert_eq!(service.text(&request), plain);
    }
    service.client.set_adapter(Some(Adapter { path: good, scale: f32::NAN }));
    assert!(service.say(&request).is_err());
    assert_eq!(service.client.status().restarts, 0);
}

#[test]
fn a_model_and_an_adapter_can_be_checked_before_they_are_used() {
    let check = |words: &[&Path]| {
        let done = Command::new(env!("CARGO_BIN_EXE_echofs-inference")).arg("check").args(words).output();
        let done = done.expect("started");
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    assert!(check(&[&model()]).0);
    assert!(check(&[&model(), &adapter(5)]).0);
    let (good, why) = check(&[&model(), &model()]);
    assert!(!good && why.contains("adapter"), "{why}");
    let (good, why) = check(&[Path::new("/nowhere.gguf")]);
    assert!(!good && why.contains("/nowhere.gguf"), "{why}");
}
