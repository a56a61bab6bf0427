//! Whole-system stories, one file each.
