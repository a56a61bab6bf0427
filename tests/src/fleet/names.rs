//! Names for a province that does not exist: made of words that such names are made of, so that pages, sorting and
//! fonts meet what they will meet in earnest.

use crate::fleet::dice::Dice;

/// The province.
pub const PROVINCE: &str = "Tỉnh Sơn Giang";

/// Its computing centre, where most servers stand.
pub const CENTRE: &str = "Trung tâm Dữ liệu tỉnh";

/// Departments: name, short form for host names, street.
pub const DEPARTMENTS: &[(&str, &str, &str)] = &[
    ("Văn phòng Ủy ban nhân dân tỉnh", "vpub", "đường Nguyễn Trãi"),
    ("Trung tâm Phục vụ hành chính công", "hcc", "đường Trần Phú"),
    ("Sở Khoa học và Công nghệ", "skhcn", "đường Lê Quý Đôn"),
    ("Sở Tài chính", "stc", "đường Trần Hưng Đạo"),
    ("Sở Nội vụ", "snv", "đường Nguyễn Văn Linh"),
    ("Sở Y tế", "syt", "đường Minh Khai"),
    ("Sở Giáo dục và Đào tạo", "sgddt", "đường Lý Thường Kiệt"),
    ("Sở Nông nghiệp và Môi trường", "snnmt", "đường Hữu Nghị"),
    ("Sở Xây dựng", "sxd", "đường Phạm Ngũ Lão"),
    ("Sở Tư pháp", "stp", "đường Bạch Đằng"),
    ("Sở Công Thương", "sct", "đường Lê Lợi"),
    ("Sở Văn hóa, Thể thao và Du lịch", "svhttdl", "đường Nguyễn Thái Học"),
];

/// Districts.
pub const DISTRICTS: &[&str] = &[
    "Mường Khoa",
    "Nậm Lành",
    "Thượng Lâm",
    "Bản Phùng",
    "Cao Sơn",
    "Đồng Khê",
    "Lũng Vài",
    "Quảng Nghĩa",
    "Tả Phời",
];

const COMMUNE_FIRST: &[&str] = &[
    "Nậm",
    "Bản",
    "Tả",
    "Sín",
    "Lũng",
    "Pố",
    "Mường",
    "Khâu",
    "Thượng",
    "Hạ",
    "Tân",
    "Minh",
    "Đồng",
    "Quảng",
    "Xuân",
    "Phú",
];
const COMMUNE_SECOND: &[&str] = &[
    "Khao", "Chải", "Phìn", "Lủng", "Sơn", "Lâm", "Hòa", "Tiến", "Giang", "Thành", "Bình", "Lập", "Cường",
    "Vai", "Ngài", "Đức",
];

/// All communes that there can be, in an order of the seed's.
pub fn communes(seed: u64) -> Vec<String> {
    let pairs =
        COMMUNE_FIRST.iter().flat_map(|first| COMMUNE_SECOND.iter().map(move |second| (first, second)));
    let mut names: Vec<String> = pairs.map(|(first, second)| format!("{first} {second}")).collect();
    names.retain(|name| !DISTRICTS.contains(&name.as_str()));
    Dice::new(seed, "communes").shuffle(&mut names);
    names
}

/// Lower-case ASCII letters, digits and hyphens: what a host name may be made of.
pub fn ascii(name: &str) -> String {
    let mut ascii = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match base(letter) {
            Some(plain) => ascii.push(plain),
            None if ascii.ends_with('-') => {}
            None => ascii.push('-'),
        }
    }
    ascii.trim_matches('-').to_owned()
}

/// A Vietnamese letter without its marks.
fn base(letter: char) -> Option<char> {
    const FOLDED: &[(char, &str)] = &[
        ('a', "àáảãạăằắẳẵặâầấẩẫậ"),
        ('d', "đ"),
        ('e', "èéẻẽẹêềếểễệ"),
        ('i', "ìíỉĩị"),
        ('o', "òóỏõọôồốổỗộơờớởỡợ"),
        ('u', "ùúủũụưừứửữự"),
        ('y', "ỳýỷỹỵ"),
    ];
    if letter.is_ascii_alphanumeric() {
        return Some(letter);
    }
    FOLDED.iter().find(|(_, marked)| marked.contains(letter)).map(|(plain, _)| *plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn communes_are_many_different_and_in_the_seeds_order() {
        let names = communes(1);
        assert!(names.len() >= 240, "{}", names.len());
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(names, communes(1));
        assert_ne!(names, communes(2));
    }

    #[test]
    fn host_names_lose_their_marks() {
        assert_eq!(ascii("Xã Nậm Khao"), "xa-nam-khao");
        assert_eq!(ascii("Sở Văn hóa, Thể thao và Du lịch"), "so-van-hoa-the-thao-va-du-lich");
        assert_eq!(ascii("Đồng Khê – Thượng Lâm"), "dong-khe-thuong-lam");
    }
}
