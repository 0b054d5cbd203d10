//! `echofs doctor`: runs the checks, prints a line for each, fails when one does.

use std::io::{self, Write};

use serde::Serialize;

use crate::checks;
use crate::cli::{Doctor, Places};
use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// EchoFS runs, with less than it could.
    Warn,
    /// EchoFS does not run.
    Fail,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// In words.
    pub text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Check {
    /// All is well.
    pub fn ok(name: &'static str, text: impl Into<String>) -> Check {
        Check { name, state: State::Ok, text: text.into(), next: None }
    }

    /// It could be better.
    pub fn warn(name: &'static str, text: impl Into<String>, next: impl Into<String>) -> Check {
        Check { name, state: State::Warn, text: text.into(), next: Some(next.into()) }
    }

    /// It does not work.
    pub fn fail(name: &'static str, text: impl Into<String>, next: impl Into<String>) -> Check {
        Check { name, state: State::Fail, text: text.into(), next: Some(next.into()) }
    }
}

/// Runs every check and prints what it found.
pub fn run(options: &Doctor, places: &Places) -> Outcome {
    let checks = match Settings::load(places.data.as_deref(), places.models.as_deref()) {
        Ok(settings) => checks::all(&settings, options.deep),
        Err(failure) => vec![Check::fail("config", format!("{:#}", failure.cause), failure.next)],
    };
    print(&checks, options.json)?;
    let failed = checks.iter().filter(|check| check.state == State::Fail).count();
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new(
            Exit::Failed,
            "one check failed",
            "do what stands below it, then run `echofs doctor` again",
        )),
        _ => {
            let next = "do what stands below them, then run `echofs doctor` again";
            Err(Failure::new(Exit::Failed, format!("{failed} checks failed"), next))
        }
    }
}

fn print(checks: &[Check], json: bool) -> Outcome {
    let mut out = io::stdout().lock();
    for check in checks {
        if json {
            writeln!(out, "{}", serde_json::to_string(check)?)?;
            continue;
        }
        let state = match check.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        writeln!(out, "{state:<5} {:<12} {}", check.name, check.text)?;
        if let Some(next) = &check.next {
            writeln!(out, "{:18} Next: {next}", "")?;
        }
    }
    Ok(())
}
