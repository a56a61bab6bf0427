//! The log's lines. Owns what they look like, which is as `tracing_subscriber::fmt` writes them; knows nothing of what is
//! said. There are no spans, whose registry would take a hundredth of the agent's memory.

use std::io::Write as _;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{DefaultFields, FormatFields as _, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// Writes each event that passes a filter as a line.
pub(super) struct Lines<W> {
    pub(super) filter: Targets,
    pub(super) writer: W,
}

impl<W> Subscriber for Lines<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.filter.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filter.iter().map(|(_, level)| level).chain(self.filter.default_level()).max()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        let mut to = Writer::new(&mut line);
        let written = SystemTime
            .format_time(&mut to)
            .and_then(|()| write!(to, " {:>5} ", event.metadata().level()))
            .and_then(|()| DefaultFields::new().format_fields(to.by_ref(), event));
        if written.is_ok() {
            line.push('\n');
            // Where the log cannot be written there is nowhere to say so.
            self.writer.make_writer_for(event.metadata()).write_all(line.as_bytes()).ok();
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn writer(&self) -> impl Fn() -> Log + Send + Sync + 'static {
            let log = self.clone();
            move || log.clone()
        }

        /// What is behind the time on each line.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
        }
    }

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn say() {
        tracing::info!(known = 3, name = ?"x", why = %"said", "spool is full");
        tracing::warn!(target: "hyper", "not ours");
        tracing::info_span!("span").in_scope(|| tracing::error!("inside"));
        tracing::debug!("too fine");
    }

    #[test]
    fn lines_are_those_of_the_library() {
        let (ours, theirs) = (Log::default(), Log::default());
        let filter: Targets = "info,hyper=error".parse().unwrap();
        tracing::subscriber::with_default(Lines { filter, writer: ours.writer() }, say);
        let library = tracing_subscriber::fmt().with_writer(theirs.writer()).with_ansi(false);
        tracing::subscriber::with_default(library.with_target(false).finish(), say);
        let mut expect = theirs.lines();
        expect.retain(|line| !line.contains("not ours"));
        expect.iter_mut().for_each(|line| *line = line.replace("span: ", ""));
        assert_eq!(ours.lines(), expect);
        assert!(
            expect.first().is_some_and(|line| line.starts_with(" INFO spool is full known=3")),
            "{expect:?}"
        );
    }
}
