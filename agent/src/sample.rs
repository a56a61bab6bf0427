//! A measured value and what it is: what sensors give and reports are made of. Pure.

use tram_proto::catalogue::Column;

/// One measured value and what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name, attributes, unit, scale and kind.
    pub column: Column,
    /// In the column's unit, unscaled. None: there is no value now, which is never the same as zero.
    pub value: Option<f64>,
}
