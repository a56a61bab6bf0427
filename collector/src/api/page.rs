//! Pages: bounded limits, and cursors that name the key to go on from.
//!
//! A cursor is opaque to callers; today it is the last id, with a letter in front that says for which order it holds.

use crate::api::error::ApiError;
use crate::api::view::Page;
use serde::Deserialize;
use utoipa::IntoParams;

/// Items on a page unless told.
pub const LIMIT_DEFAULT: u32 = 100;
/// Items on a page at most.
pub const LIMIT_MAX: u32 = 500;

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Items on a page: 1 to 500, 100 unless told.
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
}

impl PageParams {
    /// The page that was asked for.
    pub fn window(&self) -> Result<Window, ApiError> {
        Window::new(self.limit, self.cursor.as_deref())
    }
}

/// A page that was asked for, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Go on behind this id.
    pub after: Option<i64>,
    /// At most so many items.
    pub limit: usize,
}

impl Window {
    /// The page for what a caller typed.
    pub fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if limit == 0 || limit > LIMIT_MAX {
            let vi = format!("limit phải từ 1 đến {LIMIT_MAX}, nhận được {limit}.");
            return Err(ApiError::invalid(
                "limit",
                vi,
                format!("limit must be 1 to {LIMIT_MAX}, got {limit}."),
            ));
        }
        let after = cursor.map(parse_cursor).transpose()?;
        Ok(Self { after, limit: limit as usize })
    }

    /// How many rows to read: one more than the page holds tells whether another follows.
    pub fn rows(&self) -> usize {
        self.limit + 1
    }

    /// The page for rows that were read with [`Window::rows`]; `id` names a row's place in the order.
    pub fn page<R, T>(&self, mut rows: Vec<R>, id: impl Fn(&R) -> i64, view: impl FnMut(R) -> T) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = if more { rows.last().map(|row| cursor(id(row))) } else { None };
        Page { items: rows.into_iter().map(view).collect(), next }
    }
}

/// The cursor that goes on behind an id.
pub fn cursor(id: i64) -> String {
    format!("i{id}")
}

fn parse_cursor(text: &str) -> Result<i64, ApiError> {
    text.strip_prefix('i').and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        ApiError::invalid(
            "cursor",
            "cursor không hợp lệ: hãy dùng giá trị next của trang trước.",
            "The cursor is not one: use next of the page before.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_next() {
        let window = Window::new(Some(2), None).unwrap();
        let page = window.page(vec![1, 2, 3], |id| *id, |id| id);
        assert_eq!((page.items, page.next.as_deref()), (vec![1, 2], Some("i2")));
        let window = Window::new(Some(2), Some("i2")).unwrap();
        assert_eq!(window.after, Some(2));
        let page = window.page(vec![3], |id| *id, |id| id);
        assert_eq!((page.items, page.next), (vec![3], None));
    }

    #[test]
    fn limits_and_foreign_cursors_are_refused() {
        for (limit, cursor) in [(Some(0), None), (Some(501), None), (None, Some("x")), (None, Some("i1e9"))] {
            assert!(Window::new(limit, cursor).is_err(), "{limit:?} {cursor:?}");
        }
    }
}
