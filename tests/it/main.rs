//! Whole-system stories, one file each.

mod tidy;
