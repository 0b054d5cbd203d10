//! The client beside a service that is played by the test.

use super::*;
use crate::states::Key;

#[test]
fn what_a_service_kept_is_forgotten_also_when_it_ends_instead_of_answering() {
    let dir = tempfile::tempdir().expect("a directory");
    let (path, states) = (dir.path().join("s.sock"), dir.path().join("states"));
    let key = Key { fingerprint: "a".into(), tokens: vec![1, 2], fixed: 0, conversation: None };
    Slots::open(&states, 1000).expect("opened").store(&key, b"a secret");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let mut config = ClientConfig::new("/nowhere/echofs-inference".into(), path);
    config.states = Some(states.clone());
    let client = Client::new(config);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let call = listener.accept();
            drop(listener);
            drop(call);
        });
        client.forget();
    });
    let files = std::fs::read_dir(states).expect("a directory").flatten();
    assert_eq!(files.map(|file| file.metadata().map_or(1, |meta| meta.len())).sum::<u64>(), 0);
    assert_eq!(client.status().last_error, None);
}
