//! Bodies as bytes: bounded decompression, bounded depth, and what can be wrong with them.

use crate::limits;
use std::cell::RefCell;
use std::io::Read;

/// What is wrong with bytes that came over the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// More bytes than allowed.
    #[error("larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
    /// An encoding that is not offered.
    #[error("content-encoding must be zstd or identity")]
    Encoding,
    /// Bytes that do not decompress.
    #[error("not a zstd frame, or a damaged one")]
    Compression,
    /// Nested deeper than [`limits::DEPTH_MAX`].
    #[error("nested deeper than {max}", max = limits::DEPTH_MAX)]
    Depth,
    /// Not the JSON that was expected; says where.
    #[error("{0}")]
    Json(String),
    /// A shape of another version.
    #[error("version {got} of the batch; this collector reads up to {known}")]
    Version {
        /// What came.
        got: u16,
        /// What is known.
        known: u16,
    },
    /// A bound of [`limits`] that was exceeded.
    #[error("{0}")]
    Bound(&'static str),
    /// A part that is not valid.
    #[error("{0}")]
    Invalid(String),
}

impl WireError {
    pub(crate) fn json(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

/// Level of compression of an ordinary batch, a few kilobytes once a minute: five hundredths smaller than with the fast
/// ones for 0.1 ms; the best level saves 3 bytes more and takes seven times as long.
const ZSTD_LEVEL_SMALL: i32 = 12;
/// Level for batches of history: the best of the fast ones, with tables that stay small.
const ZSTD_LEVEL_LARGE: i32 = 3;
/// Bytes up to which a body is small.
const SMALL_BYTES_MAX: usize = 16 << 10;

/// Compresses a body as one zstd frame.
pub fn compress(body: &[u8]) -> Vec<u8> {
    let level = if body.len() <= SMALL_BYTES_MAX { ZSTD_LEVEL_SMALL } else { ZSTD_LEVEL_LARGE };
    zstd::bulk::compress(body, level).unwrap_or_else(|_| body.to_vec())
}

/// Undoes `content-encoding` (none means identity) without ever holding more than
/// [`limits::DECODED_BYTES_MAX`] bytes.
pub fn decompress(content_encoding: Option<&str>, body: &[u8]) -> Result<Vec<u8>, WireError> {
    match content_encoding {
        None | Some("identity") if body.len() <= limits::DECODED_BYTES_MAX => Ok(body.to_vec()),
        None | Some("identity") => Err(WireError::TooLarge { bytes_max: limits::DECODED_BYTES_MAX }),
        Some("zstd") => unzstd(body),
        Some(_) => Err(WireError::Encoding),
    }
}

thread_local! {
    /// A decompressor is dearer to make than most bodies are to read.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// One frame that says how long it is, which is what [`compress`] makes, goes the fast way.
fn unzstd(body: &[u8]) -> Result<Vec<u8>, WireError> {
    match zstd::zstd_safe::get_frame_content_size(body) {
        Ok(Some(bytes)) if bytes > limits::DECODED_BYTES_MAX as u64 => {
            Err(WireError::TooLarge { bytes_max: limits::DECODED_BYTES_MAX })
        }
        Ok(Some(bytes)) => unzstd_known(body, usize::try_from(bytes).unwrap_or(limits::DECODED_BYTES_MAX)),
        Ok(None) | Err(_) => unzstd_unknown(body),
    }
}

fn unzstd_known(body: &[u8], bytes: usize) -> Result<Vec<u8>, WireError> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept.take() {
            Some(decompressor) => decompressor,
            None => zstd::bulk::Decompressor::new().map_err(|_| WireError::Compression)?,
        };
        kept.insert(decompressor).decompress(body, bytes).map_err(|_| WireError::Compression)
    })
}

fn unzstd_unknown(body: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|_| WireError::Compression)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| WireError::Compression)?;
    let mut decoded = Vec::new();
    let bound = limits::DECODED_BYTES_MAX as u64;
    decoder.take(bound + 1).read_to_end(&mut decoded).map_err(|_| WireError::Compression)?;
    if decoded.len() > limits::DECODED_BYTES_MAX {
        return Err(WireError::TooLarge { bytes_max: limits::DECODED_BYTES_MAX });
    }
    Ok(decoded)
}

/// Largest window that a frame may ask for: 4 MiB, as much as a body may hold.
const WINDOW_LOG_MAX: u32 = 22;

/// Refuses JSON nested deeper than [`limits::DEPTH_MAX`], in one pass and before anything is built of it.
pub fn check_depth(json: &[u8]) -> Result<(), WireError> {
    // What opens so few times cannot be deep: counting takes a tenth of looking, and is enough for most reports.
    if json.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() <= limits::DEPTH_MAX {
        return Ok(());
    }
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > limits::DEPTH_MAX {
                    return Err(WireError::Depth);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_round_trip() {
        let body = br#"{"v":1}"#.repeat(100);
        assert_eq!(decompress(Some("zstd"), &compress(&body)), Ok(body.clone()));
        assert_eq!(decompress(None, &body), Ok(body));
    }

    #[test]
    fn a_bomb_is_refused_without_being_held() {
        let bomb = compress(&vec![b' '; limits::DECODED_BYTES_MAX + 1]);
        assert!(bomb.len() < 2_000, "{}", bomb.len());
        assert_eq!(
            decompress(Some("zstd"), &bomb),
            Err(WireError::TooLarge { bytes_max: limits::DECODED_BYTES_MAX })
        );
    }

    #[test]
    fn frames_without_a_length_and_with_a_false_one_are_bounded_too() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL_LARGE).unwrap();
        std::io::Write::write_all(&mut encoder, &vec![b' '; limits::DECODED_BYTES_MAX + 1]).unwrap();
        let bomb = encoder.finish().unwrap();
        let too_large = WireError::TooLarge { bytes_max: limits::DECODED_BYTES_MAX };
        assert_eq!(decompress(Some("zstd"), &bomb), Err(too_large));
        // Two frames, of which the first says how long it is: more than was said is not held.
        let twice = [compress(b"one"), compress(&[b'x'; 9_000])].concat();
        assert_eq!(decompress(Some("zstd"), &twice), Err(WireError::Compression));
    }

    #[test]
    fn garbage_and_foreign_encodings_are_named() {
        assert_eq!(decompress(Some("zstd"), b"garbage"), Err(WireError::Compression));
        assert_eq!(decompress(Some("gzip"), b""), Err(WireError::Encoding));
    }

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        assert_eq!(check_depth("[".repeat(limits::DEPTH_MAX).as_bytes()), Ok(()));
        assert_eq!(check_depth("[".repeat(limits::DEPTH_MAX + 1).as_bytes()), Err(WireError::Depth));
        assert_eq!(check_depth(format!("\"{}\\\"[\"", "[".repeat(50)).as_bytes()), Ok(()));
    }
}
