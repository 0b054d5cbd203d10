//! Jobs of the test worker: file names that begin with `!` do harm, all others are read.

use std::fs::File;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use echofs_indexer::Extracted;
use echofs_indexer::extract::{ExtractError, extract};

pub fn work(name: &Path, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    match name.to_str() {
        Some("!hang") => loop {
            std::thread::park();
        },
        Some("!abort") => std::process::abort(),
        Some("!panic") => panic!("as asked"),
        Some("!recurse") => Err(ExtractError::Failed(recurse(1).to_string())),
        Some("!memory") => Err(ExtractError::Failed(std::hint::black_box(vec![1u8; 3 << 30]).len().to_string())),
        Some("!print") => {
            println!("noise on standard output");
            Ok(Extracted::default())
        }
        Some("!escape") => Ok(Extracted { text: escape(&String::from_utf8_lossy(bytes)), ..Extracted::default() }),
        _ => extract(name, bytes),
    }
}

#[expect(unconditional_recursion, clippy::only_used_in_recursion, reason = "overflowing the stack is the point")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box(recurse(depth + 1)) + 1
}

/// Tries to get out; each line is a thing that worked. The argument is `ADDRESS FOLDER`.
fn escape(argument: &str) -> String {
    let (address, folder) = argument.split_once(' ').expect("two words");
    let folder = Path::new(folder);
    let attempts = [
        ("open /etc/passwd", File::open("/etc/passwd").is_ok()),
        ("list /", std::fs::read_dir("/").is_ok()),
        ("open a file of the user", File::open(folder.join("secret")).is_ok()),
        ("make a file", File::create(folder.join("made")).is_ok()),
        ("remove a file", std::fs::remove_file(folder.join("secret")).is_ok()),
        ("change a mode", std::fs::set_permissions(folder.join("secret"), PermissionsExt::from_mode(0o777)).is_ok()),
        ("open /proc/self/environ", File::open("/proc/self/environ").is_ok()),
        ("connect over TCP", TcpStream::connect(address).is_ok()),
        ("bind a UDP socket", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("make a socket pair", std::os::unix::net::UnixStream::pair().is_ok()),
        ("start a shell", Command::new("/bin/sh").args(["-c", "true"]).status().is_ok()),
    ];
    attempts.iter().filter(|(_, worked)| *worked).map(|(what, _)| format!("{what}\n")).collect()
}
