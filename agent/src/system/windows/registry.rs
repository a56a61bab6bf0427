//! The registry: small values of the machine, read and, until the next shutdown, written; and of the person.

use winsafe::co::{KEY, REG_OPTION, RRF};
use winsafe::{HKEY, RegistryValue};

/// A text; none where there is none, or another kind of value.
pub fn text(key: &str, name: &str) -> Option<String> {
    text_of(value(key, name)?)
}

/// A text of the person who runs this.
pub fn own_text(key: &str, name: &str) -> Option<String> {
    text_of(HKEY::CURRENT_USER.RegGetValue(Some(key), Some(name), RRF::RT_ANY).ok()?)
}

fn text_of(value: RegistryValue) -> Option<String> {
    match value {
        RegistryValue::Sz(text) | RegistryValue::ExpandSz(text) => {
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

/// A number of 32 bits; none where there is none, or another kind of value.
pub fn number(key: &str, name: &str) -> Option<u32> {
    match value(key, name)? {
        RegistryValue::Dword(number) => Some(number),
        _ => None,
    }
}

/// Whether a key is there, whatever it holds.
pub fn exists(key: &str) -> bool {
    HKEY::LOCAL_MACHINE.RegOpenKeyEx(Some(key), REG_OPTION::default(), KEY::QUERY_VALUE).is_ok()
}

/// Whether a value is there, of whatever kind.
pub fn has(key: &str, name: &str) -> bool {
    value(key, name).is_some()
}

/// Writes a text that goes when the machine is shut down; none where this process may not.
pub fn put_until_shutdown(key: &str, name: &str, text: &str) -> Option<()> {
    let (key, _) =
        HKEY::LOCAL_MACHINE.RegCreateKeyEx(key, None, REG_OPTION::VOLATILE, KEY::SET_VALUE, None).ok()?;
    key.RegSetValueEx(Some(name), RegistryValue::Sz(text.to_owned())).ok()
}

fn value(key: &str, name: &str) -> Option<RegistryValue> {
    HKEY::LOCAL_MACHINE.RegGetValue(Some(key), Some(name), RRF::RT_ANY).ok()
}
