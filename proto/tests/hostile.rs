//! Bytes that nobody sane sends: none makes decoding panic or hold more than the limits allow.
//!
//! A binary of its own, because it measures the heap. Replays the fuzz target's corpus, then mutations of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../fuzz/exercise.rs"]
mod exercise;

use cap::Cap;
use proptest::prelude::*;
use std::alloc::System;
use std::path::Path;
use tram_proto::{encoding, limits};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// One test after the other: the heap is measured for the whole process, and what one test makes for itself must not
/// count against another's limit.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/batch");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Reads `bytes` with no more heap than the limits say.
fn read_within_limits(bytes: &[u8]) -> usize {
    let room = HEAP.allocated() + limits::DECODE_HEAP_BYTES_MAX;
    HEAP.set_limit(room).unwrap();
    let readable = exercise::exercise(bytes);
    HEAP.set_limit(usize::MAX).unwrap();
    readable
}

#[test]
fn corpus_is_replayed_within_the_heap_bound() {
    let _alone = alone();
    let corpus = corpus();
    assert!(corpus.len() >= 8, "{} files", corpus.len());
    let readable: usize = corpus.iter().map(|bytes| read_within_limits(bytes)).sum();
    assert!(readable >= 3, "the corpus holds readable reports too, {readable} were");
}

#[test]
fn a_body_full_of_the_smallest_things_stays_within_the_heap_bound() {
    let _alone = alone();
    let head = r#"{"v":1,"agent":"00000000000000000000000000000001","spool":"0000000000000002","floor":1,"#;
    let head = format!("{head}\"sent\":{{\"boot\":\"0101010101010101\",\"at\":5,\"wall\":6}},");
    let fill = |open: &str, item: &str, close: &str| {
        let count = (limits::DECODED_BYTES_MAX - head.len() - open.len() - close.len()) / (item.len() + 1);
        format!("{head}{open}{}{close}", vec![item; count - 1].join(","))
    };
    let bodies = [
        fill("\"reports\":[", "[1,0]", "]}"),
        fill("\"reports\":[[1,{\"val\":[", "1", "]}]]}"),
        fill(
            "\"reports\":[],\"catalogues\":[{\"columns\":[",
            r#"{"name":"a","unit":"b","kind":"gauge"}"#,
            "]}]}",
        ),
        fill("\"reports\":[],\"anchors\":[", r#"{"boot":"0101010101010101","at":1,"time":1}"#, "]}"),
        fill("\"reports\":[],\"x\":[", "[]", "]}"),
    ];
    for body in bodies {
        assert!(body.len() <= limits::DECODED_BYTES_MAX);
        read_within_limits(body.as_bytes());
        read_within_limits(&encoding::compress(body.as_bytes()));
    }
    read_within_limits(&encoding::compress(&vec![b'['; 64 << 20]));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _alone = alone();
        read_within_limits(&bytes);
    }

    #[test]
    fn mutations_of_the_corpus_are_read_or_refused(
        pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let _alone = alone();
        let corpus = corpus();
        let mut bytes = pick.get(&corpus).clone();
        if !bytes.is_empty() {
            let place = at.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(cut.index(bytes.len() + 1).max(1));
        }
        read_within_limits(&bytes);
    }
}
