//! Fills maps and sets one by one. `collect` sorts beforehand, by code of its own for each place that calls it, some 3 kB
//! a place; what is gathered here has few entries. Pure; knows nothing of what is in them.

use tram_proto::catalogue::Attributes;

/// A map or set of these; of entries with one key the last.
pub(crate) fn tree<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut all = C::default();
    items.into_iter().for_each(|item| all.extend(Some(item)));
    all
}

/// Attributes of these; of entries with one key the last.
pub(crate) fn attributes(items: impl IntoIterator<Item = (String, String)>) -> Attributes {
    let mut all = Attributes::new();
    for (key, value) in items {
        all.insert(key, value);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_comes_last_counts_and_keys_are_in_order() {
        let items =
            || [("b", "1"), ("a", "2"), ("b", "3")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let map: BTreeMap<String, String> = tree(items());
        assert_eq!(map, items().into_iter().collect());
        assert_eq!(attributes(items()), items().into_iter().collect());
    }
}
