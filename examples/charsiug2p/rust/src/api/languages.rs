// Owned by you: written once, an update never touches it.

//! The languages of CharsiuG2P, by its own codes: ISO 639, with a dialect where there are several.

/// In the order of the alphabet: those with a dictionary in CharsiuG2P, and `unk` for any other.
#[rustfmt::skip]
pub const LANGUAGES: [&str; 101] = [
    "ady", "afr", "amh", "ang", "ara", "arg", "arm-e", "arm-w", "aze", "bak", "bel", "bos",
    "bul", "bur", "cat", "cze", "dan", "dut", "egy", "eng-uk", "eng-us", "enm", "epo", "est",
    "eus", "fas", "fin", "fra", "fra-qu", "geo", "ger", "gle", "glg", "grc", "gre", "hbs-cyrl",
    "hbs-latn", "hin", "hun", "ice", "ido", "ina", "ind", "isl", "ita", "jpn", "kaz", "khm",
    "kor", "kur", "lat-clas", "lat-eccl", "lit", "ltz", "mac", "mlt", "mri", "msa", "nan",
    "nob", "ori", "pap", "pol", "por-bz", "por-po", "ron", "rus", "san", "slk", "slo", "slv",
    "sme", "snd", "spa", "spa-latin", "spa-me", "sqi", "srp", "swa", "swe", "syc", "tam", "tat",
    "tgl", "tha", "tts", "tuk", "tur", "uig", "ukr", "unk", "urd", "uzb", "vie-c", "vie-n",
    "vie-s", "wel-nw", "wel-sw", "yue", "zho-s", "zho-t",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_sorted_and_distinct() {
        assert!(LANGUAGES.is_sorted_by(|before, after| before < after));
    }
}
