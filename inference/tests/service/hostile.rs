//! Model files that are none, or worse.

use std::path::PathBuf;

use echofs_inference::{Error, Generator, probe};

use crate::common::{Fixture, ask, model};

/// Bytes without a pattern (a linear congruential generator, Knuth's constants).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn header(tensors: u64, pairs: u64) -> Vec<u8> {
    [b"GGUF\x03\0\0\0".as_slice(), &tensors.to_le_bytes(), &pairs.to_le_bytes()].concat()
}

/// The test model with some of its bytes changed.
fn spoilt(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = std::fs::read(model()).expect("the model");
    change(&mut bytes);
    bytes
}

/// A tiny model with another number behind one of its keys.
fn tiny(key: &str, number: u32) -> Vec<u8> {
    let mut bytes = probe::model();
    let at = bytes.windows(key.len()).position(|window| window == key.as_bytes()).expect("the key") + key.len() + 4;
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    bytes
}

fn hostile_files() -> Vec<(&'static str, Vec<u8>)> {
    let absurd_string = [header(0, 1), u64::MAX.to_le_bytes().to_vec()].concat();
    vec![
        ("empty", vec![]),
        ("text", b"this is no model".to_vec()),
        ("noise", [b"GGUF".to_vec(), noise(100_000)].concat()),
        ("noise behind a header", [header(200, 30), noise(100_000)].concat()),
        ("more tensors than bytes", header(u64::MAX, 0)),
        ("absurd string", absurd_string),
        ("no tensors", header(0, 0)),
        ("no vocabulary, at which llama.cpp aborts", probe::model()),
        ("no heads", tiny("llama.attention.head_count", 0)),
        ("a million layers", tiny("llama.block_count", 1_000_000)),
        ("truncated data", spoilt(|bytes| bytes.truncate(50_000_000))),
        ("truncated header", spoilt(|bytes| bytes.truncate(10_000))),
        ("noise for vocabulary", spoilt(|bytes| bytes[3_000..200_000].copy_from_slice(&noise(197_000)))),
    ]
}

#[test]
fn a_file_that_is_no_model_is_an_error_with_its_name_and_a_good_one_works_afterwards() {
    let service = Fixture::new();
    let good = service.client.model_path();
    for (name, bytes) in hostile_files() {
        let path: PathBuf = service.dir.path().join(format!("{name}.gguf"));
        std::fs::write(&path, bytes).expect("written");
        service.client.set_model(Some(path.clone()));
        let result = service.say(&ask("Hi", 4));
        assert!(matches!(&result, Err(Error::Down(_))), "{name}: {result:?}");
        println!("{name}: {}", result.map(|done| done.text).unwrap_or_else(|error| error.to_string()));
        std::fs::remove_file(path).expect("removed");
        service.client.set_model(good.clone());
        let result = service.say(&ask("Hi", 4));
        assert!(result.is_ok(), "after {name}: {result:?}");
    }
}

#[test]
fn a_directory_and_a_device_are_no_models() {
    let service = Fixture::new();
    for path in [service.dir.path().to_path_buf(), "/dev/zero".into()] {
        service.client.set_model(Some(path));
        assert!(matches!(service.say(&ask("Hi", 4)), Err(Error::NoModel(_))));
        assert_eq!(service.client.model(), None);
    }
}

#[test]
fn a_model_whose_numbers_are_noise_computes_something_or_says_that_it_cannot() {
    let service = Fixture::new();
    let path = service.dir.path().join("noise.gguf");
    let bytes = spoilt(|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4_000_000].copy_from_slice(&noise(4_000_000));
    });
    std::fs::write(&path, bytes).expect("written");
    service.client.set_model(Some(path));
    let result = service.say(&ask("Hi", 8));
    assert!(matches!(&result, Ok(_) | Err(Error::Down(_))), "{result:?}");
}
