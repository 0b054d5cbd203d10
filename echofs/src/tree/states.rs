//! States that `events` tells of when they change: the index, the models, the answers.

use jiff::Timestamp;

use super::{Context, status};
use crate::events::Event;

/// What was so at the last look.
#[derive(Default)]
pub struct States {
    index: Option<&'static str>,
    generation: Option<(Option<String>, &'static str)>,
    embedding: Option<&'static str>,
    answered: Option<Timestamp>,
}

impl States {
    /// Tells what is otherwise than at the last look. Nobody is told of the first one.
    pub fn compare(&mut self, cx: &Context) {
        if !cx.events.has_readers() {
            *self = States::default();
            return;
        }
        self.compare_index(cx);
        self.compare_models(cx);
        self.compare_answers(cx);
    }

    fn compare_index(&mut self, cx: &Context) {
        let (state, counts) = status::state_of(cx);
        if self.index.replace(state).is_some_and(|before| before != state) {
            let (documents, pending, pending_semantic) = (counts.documents, counts.pending, counts.pending_semantic);
            cx.events.tell(&Event::State { state, documents, pending, pending_semantic });
        }
    }

    fn compare_models(&mut self, cx: &Context) {
        let generator = cx.generator.status();
        let now = (generator.model, status::name_of(generator.state));
        if self.generation.as_ref().is_some_and(|before| *before != now) {
            cx.events.tell(&Event::Model { role: "generation", model: now.0.as_deref(), state: now.1 });
        }
        self.generation = Some(now);
        let Some(embedder) = cx.index.embedder() else { return };
        let failed = cx.index.counts().semantic_error.is_some();
        let state = if failed {
            "down"
        } else if embedder.loaded() {
            "loaded"
        } else {
            "idle"
        };
        if self.embedding.replace(state).is_some_and(|before| before != state) {
            cx.events.tell(&Event::Model { role: "embedding", model: Some(embedder.id().0.as_str()), state });
        }
    }

    fn compare_answers(&mut self, cx: &Context) {
        let settled = cx.answers.settled();
        let newest = settled.iter().map(|answer| answer.generated_at).max().unwrap_or(Timestamp::MIN);
        if let Some(known) = self.answered {
            for answer in settled.iter().filter(|answer| answer.generated_at > known) {
                cx.events.tell(&Event::Answered { question: &answer.question, answerable: answer.answerable });
            }
        }
        self.answered = Some(newest.max(self.answered.unwrap_or(Timestamp::MIN)));
    }
}
