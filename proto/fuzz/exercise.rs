//! What is done with arbitrary bytes, by the fuzz target and by the replay of its corpus alike: read them as a body in
//! every encoding, as a batch, as a report and as every small body, and write what was read back.

use tram_proto::encoding;
use tram_proto::report::{Batch, Report};

/// Reads `bytes` in every way there is. Returns how many reports were readable.
pub(crate) fn exercise(bytes: &[u8]) -> usize {
    let mut readable = 0;
    for content_encoding in [None, Some("identity"), Some("zstd"), Some("gzip")] {
        if let Ok(body) = encoding::decompress(content_encoding, bytes) {
            readable += read_batch(&body);
        }
    }
    if let Ok(report) = Report::decode(bytes) {
        assert_eq!(Report::decode(&report.encode()).as_ref(), Ok(&report));
    }
    let _ = serde_json::from_slice::<tram_proto::ack::Ack>(bytes);
    let _ = serde_json::from_slice::<tram_proto::enroll::EnrollRequest>(bytes);
    if let Ok(policy) = serde_json::from_slice::<tram_proto::policy::Policy>(bytes) {
        let _ = policy.check();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = text.parse::<tram_proto::enroll::Token>();
    }
    readable
}

fn read_batch(body: &[u8]) -> usize {
    let Ok(batch) = Batch::decode(body) else { return 0 };
    for catalogue in &batch.catalogues {
        if catalogue.check().is_ok() {
            let _ = catalogue.id();
        }
    }
    assert!(Batch::decode(&batch.encode()).is_ok(), "what was read can be written and read again");
    batch.reports.iter().filter(|framed| Report::decode(framed.1.get().as_bytes()).is_ok()).count()
}
