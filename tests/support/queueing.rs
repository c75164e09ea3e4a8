//! Which requests of this test wait for a connection now, from their log lines.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::Id;
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The requests that wait. Each must run in a span of its own, on the thread that made this.
pub struct Queueing {
    waiting: Arc<Mutex<HashSet<Id>>>,
    _guard: DefaultGuard,
}

impl Queueing {
    /// Reads the log lines of this thread from now on.
    pub fn watched() -> Self {
        let waiting = Arc::<Mutex<HashSet<Id>>>::default();
        let lines = tracing_subscriber::registry().with(Lines(Arc::clone(&waiting)));
        Self {
            waiting,
            _guard: tracing::subscriber::set_default(lines),
        }
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting.lock().unwrap().len()
    }
}

struct Lines(Arc<Mutex<HashSet<Id>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.lookup_current() else {
            return;
        };
        let mut line = Line(String::new());
        event.record(&mut line);
        match line.0.as_str() {
            "waits for a connection" => {
                self.0.lock().unwrap().insert(span.id());
            }
            "trying again" => {
                self.0.lock().unwrap().remove(&span.id());
            }
            _ => {}
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
