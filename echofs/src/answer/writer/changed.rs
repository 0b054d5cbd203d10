//! An answer about what changed: what it is now, and what it was before.

use super::{Writer, citation};
use crate::answer::check::Support;
use crate::answer::render::{self, Citation};
use crate::answer::run::Place;
use crate::answer::text::line_feeds;
use crate::answer::versions::{self, Version};

impl Writer<'_> {
    /// What the thing was and is that the answer is about, where that changed.
    pub(super) fn changed(&self, support: &Support, short: &str) -> Option<(Vec<Version>, usize)> {
        let source = self.basis.candidate(support.excerpt);
        let place = citation(source, source.sentences[support.sentence].at.clone(), 0);
        self.evidence.versions(&source.path, place.line..=place.end_line, short)
    }

    /// Says what the answer is and what it was before; or, of the past, what took its place. The newest value is the answer,
    /// whichever the evidence says, unless the question is about the past.
    pub(super) fn tell(&mut self, claims: &[(String, Support)], (versions, said): (Vec<Version>, usize)) {
        let past = versions::asks_of_the_past(&self.basis.question);
        let newest = versions.len() - 1;
        let asked = if past { said } else { newest };
        if asked == said {
            claims.iter().for_each(|(text, support)| self.say(text, support));
        } else {
            self.short = Some(versions[asked].value.clone());
            self.say_version(&versions[asked], &format!("{}, since {}", versions[asked].value, versions[asked].since));
        }
        if past && asked < newest {
            let new = &versions[newest];
            self.say_version(new, &format!("Since {}: {}", new.since, new.value));
        } else if let Some(before) = asked.checked_sub(1).map(|before| &versions[before]) {
            let until = versions[asked].since;
            self.say_version(before, &format!("Before {until}, from {}: {}", before.since, before.value));
        }
    }

    fn say_version(&mut self, version: &Version, text: &str) {
        let stamp = self.evidence.stamp(&version.path).unwrap_or(0);
        let (path, text_there) = (version.path.clone(), version.quote.clone());
        self.others.push(Place { path, line: version.line, text: text_there, cited: true, stamp });
        let (path, line) = (render::path_text(&version.path), version.line);
        let n = self.numbered_as(Citation {
            n: 0,
            path,
            line,
            end_line: line.saturating_add(line_feeds(&version.quote)),
            page: version.page,
            quote: version.quote.clone(),
            by_model: false,
        });
        self.say_with(text, n);
    }
}
