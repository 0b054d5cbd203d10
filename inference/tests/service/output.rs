//! What comes out.

use std::sync::atomic::{AtomicBool, Ordering};

use echofs_inference::{Cancel, Error, Generator, Message, Part, Request, Role};

use crate::common::{Fixture, ask, long_text};

#[test]
fn the_same_request_gives_the_same_text_with_and_without_what_is_left_of_other_prompts() {
    let service = Fixture::new();
    let requests: Vec<_> = ["What is a river?", "What is a river bank?", "Name three colours."]
        .map(|question| ask(&format!("{} {question}", long_text(200)), 24))
        .into();
    let first: Vec<String> = requests.iter().map(|request| service.text(request)).collect();
    for (request, text) in requests.iter().zip(&first).rev() {
        assert_eq!(&service.text(request), text, "after another prompt");
    }
    for (request, text) in requests.iter().zip(&first) {
        assert_eq!(&Fixture::new().text(request), text, "in a fresh process");
    }
}

#[test]
fn beside_other_work_it_has_fewer_threads_and_goes_on_where_it_was() {
    let service = Fixture::with(|config| config.threads = Some(2));
    let request = ask(&format!("{} Tell me about rivers.", long_text(400)), 64);
    // How many threads there are changes the last bits of what is computed, so not all words need to be the same.
    let begins = |text: String| text.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
    let alone = begins(service.text(&request));
    let done = AtomicBool::new(false);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..2 * cores {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let beside = service.say(&ask(&format!("{} Tell me about hills.", long_text(400)), 64));
        let again = service.say(&request);
        done.store(true, Ordering::Relaxed);
        assert_eq!(beside.map(|done| (done.threads, done.output_tokens)).ok(), Some((1, 64)));
        assert_eq!(again.map(|done| begins(done.text)).ok(), Some(alone.clone()));
    });
    assert_eq!(begins(service.text(&request)), alone);
}

#[test]
fn text_streams_as_it_comes_and_adds_up_to_the_completion() {
    let service = Fixture::new();
    let mut pieces = Vec::new();
    let done = service
        .client
        .generate(&ask("Tell me a story.", 20), &Cancel::default(), &mut |text| pieces.push(text.to_string()));
    let done = done.expect("a completion");
    assert!(pieces.len() > 1, "{pieces:?}");
    assert_eq!(pieces.concat(), done.text);
    assert_eq!((done.output_tokens, done.model.as_str()), (20, "smollm2-135m-q4_1"));
    assert!(done.prompt_tokens > 10 && 0.0 < done.first_token_ms && done.first_token_ms < done.total_ms);
    assert!(service.client.status().cpu.is_some());
}

#[test]
fn characters_of_several_tokens_come_whole() {
    let service = Fixture::new();
    let mut request = ask("Repeat this for ever: 🦀🌊🦀🌊🦀🌊🦀🌊", 40);
    request
        .messages
        .push(Message { role: Role::Assistant, parts: vec![Part::Text("🦀🌊🦀🌊🦀🌊🦀🌊".into())] });
    let mut pieces = Vec::new();
    let done = service.client.generate(&request, &Cancel::default(), &mut |text| pieces.push(text.to_string()));
    let text = done.expect("a completion").text;
    assert!(text.chars().filter(|c| !c.is_ascii()).count() > 2, "{text}");
    assert!(!text.contains(char::REPLACEMENT_CHARACTER), "{text}");
    assert_eq!(pieces.concat(), text);
}

#[test]
fn a_stop_string_ends_the_text_before_it() {
    let service = Fixture::new();
    let whole = service.text(&ask("Write two sentences about the sea.", 60));
    let stop = &whole[whole.find(' ').expect("words")..][..4];
    let mut request = ask("Write two sentences about the sea.", 60);
    request.stop = vec!["not in it".into(), stop.into()];
    assert_eq!(service.text(&request), whole.split(stop).next().expect("a beginning"));
}

#[test]
fn a_prompt_longer_than_the_context_is_refused_with_the_numbers() {
    let service = Fixture::new();
    let refused = service.say(&ask(&long_text(9000), 10));
    assert!(
        matches!(&refused, Err(Error::Refused(why)) if why.contains("tokens") && why.contains("4096")),
        "{refused:?}"
    );
    let refused = service.say(&ask(&"x".repeat(2_000_000), 10));
    assert!(matches!(&refused, Err(Error::Refused(_))), "{refused:?}");
    assert!(service.say(&ask("And now?", 4)).is_ok());
}

#[test]
fn no_model_is_an_error_of_its_own_and_another_model_is_used_from_the_next_request_on() {
    let service = Fixture::new();
    let good = service.client.model_path();
    service.client.set_model(None);
    assert_eq!(service.client.model(), None);
    assert!(matches!(service.say(&ask("Hi", 4)), Err(Error::NoModel(_))));
    service.client.set_model(Some(service.dir.path().join("gone.gguf")));
    assert_eq!(service.client.model(), None);
    assert!(matches!(service.say(&ask("Hi", 4)), Err(Error::NoModel(why)) if why.contains("gone.gguf")));
    assert!(!service.socket().exists(), "nothing was started for this");
    let copy = service.dir.path().join("Other-Instruct.gguf");
    std::os::unix::fs::symlink(good.as_deref().expect("a model"), &copy).expect("a link");
    service.client.set_model(good);
    assert_eq!(service.say(&ask("Hi", 4)).map(|done| done.model).ok(), Some("smollm2-135m-q4_1".into()));
    service.client.set_model(Some(copy));
    assert_eq!(service.say(&ask("Hi", 4)).map(|done| done.model).ok(), Some("other".into()));
}

#[test]
fn a_refusal_is_a_probability_and_never_a_reply() {
    let service = Fixture::new();
    let generate =
        |request: &Request| service.client.generate(request, &Cancel::default(), &mut |_| {}).expect("a completion");
    let mut request = ask("What is the capital of France? Answer with one word.", 4);
    let plain = generate(&request);
    assert!(plain.refusal == 0.0 && 0.0 < plain.confidence && plain.confidence <= 1.0, "{plain:?}");
    request.refusal = Some("Zebra".into());
    let unlikely = generate(&request);
    assert!(unlikely.text == plain.text && unlikely.refusal < 0.01, "{unlikely:?}");
    request.refusal = Some(plain.text.clone());
    let likely = generate(&request);
    assert!(likely.text != plain.text && likely.refusal > unlikely.refusal, "{likely:?}");
}

#[test]
fn what_a_passage_prepares_for_is_less_surprising() {
    let service = Fixture::new();
    let surprisal = |passage: &str| {
        let parts = vec![Part::Data(passage.into()), Part::Text("\n\nQuestion: ".into())];
        let asked = vec![Part::Data("Where did the miller sell the boat?".into()), Part::Text("\nAnswer:".into())];
        let messages = vec![Message { role: Role::User, parts: [parts, asked].concat() }];
        let request = Request { messages, max_tokens: 1, surprisal: true, ..Request::default() };
        service.client.generate(&request, &Cancel::default(), &mut |_| {}).expect("a completion").surprisal
    };
    let told = surprisal("The miller sold the boat at the market in Hull.");
    assert!(told.len() > 5 && told.iter().all(|nats| nats.is_finite() && *nats >= 0.0), "{told:?}");
    // The whole prompt is in the sequence now, and what is asked for is computed all the same.
    assert_eq!(surprisal("The miller sold the boat at the market in Hull."), told);
    let other = surprisal("The oven needs ten minutes to get hot, then the loaf goes in.");
    assert!(other.iter().sum::<f32>() > told.iter().sum::<f32>() + 2.0, "{told:?} {other:?}");
    assert_eq!(service.say(&ask("Hi", 2)).map(|done| done.surprisal).ok(), Some(Vec::new()));
}
