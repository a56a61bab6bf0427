//! Lists and maps that stop reading at their bound, so that a body never grows into more memory than it may take.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Numbers that a list has room for from the first.
const FIRST: usize = 32;

/// A list of at most `MAX` items.
pub(crate) fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Items<T, const MAX: usize>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Items<T, MAX> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            // Numbers come by the dozen.
            let mut list = Vec::with_capacity(if size_of::<T>() <= 16 { MAX.min(FIRST) } else { 0 });
            while let Some(item) = items.next_element()? {
                if list.len() == MAX {
                    return Err(A::Error::custom(format_args!("a list longer than {MAX}")));
                }
                list.push(item);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_seq(Items::<T, MAX>(PhantomData))
}

/// The same, where null or nothing stands for no list.
pub(crate) fn optional_list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Inner<T, const MAX: usize>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Inner<T, MAX> {
        type Value = Option<Vec<T>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "null or a list of at most {MAX}")
        }
        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            list::<D, T, MAX>(deserializer).map(Some)
        }
    }
    deserializer.deserialize_option(Inner::<T, MAX>(PhantomData))
}

/// A map of at most `MAX` entries; a key that comes twice is an error.
pub(crate) fn map<'de, D, V, M, const MAX: usize>(deserializer: D) -> Result<M, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
    M: FromIterator<(String, V)>,
{
    struct Entries<V, const MAX: usize>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>, const MAX: usize> Visitor<'de> for Entries<V, MAX> {
        type Value = Vec<(String, V)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a map of at most {MAX}")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut list: Vec<(String, V)> = Vec::new();
            while let Some((key, value)) = entries.next_entry::<String, V>()? {
                if list.len() == MAX {
                    return Err(A::Error::custom(format_args!("a map of more than {MAX}")));
                }
                if list.iter().any(|(known, _)| *known == key) {
                    return Err(A::Error::custom("a key comes twice"));
                }
                list.push((key, value));
            }
            Ok(list)
        }
    }
    Ok(deserializer.deserialize_map(Entries::<V, MAX>(PhantomData))?.into_iter().collect())
}
