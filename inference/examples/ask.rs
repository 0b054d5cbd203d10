//! The service without the filesystem: starts it if none listens, asks one question, prints the answer as it comes.
//!
//! `cargo run -p echofs-inference --example ask -- SOCKET MODEL.gguf QUESTION`

use std::io::Write;
use std::path::{Path, PathBuf};

use echofs_inference::client::{Client, ClientConfig};
use echofs_inference::{Cancel, Generator, Message, Part, Request, Role};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(socket), Some(model), Some(question)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: ask SOCKET MODEL.gguf QUESTION".into());
    };
    let examples = std::env::current_exe()?;
    let program = examples.parent().and_then(Path::parent).ok_or("no directory")?.join("echofs-inference");
    let mut config = ClientConfig::new(program, PathBuf::from(socket));
    config.model = Some(model.into());
    let messages = vec![Message { role: Role::User, parts: vec![Part::Data(question)] }];
    let mut show = |text: &str| {
        print!("{text}");
        let _ = std::io::stdout().flush();
    };
    let request = Request { messages, max_tokens: 256, ..Request::default() };
    let done = Client::new(config).generate(&request, &Cancel::default(), &mut show)?;
    println!(
        "\n-- {}: {} tokens in {:.0} ms, the first after {:.0} ms",
        done.model, done.output_tokens, done.total_ms, done.first_token_ms
    );
    Ok(())
}
