// Owned by you: written once, an update never touches it.

//! ByT5's tokens: three marks, the 256 bytes of UTF-8, and 125 marks that CharsiuG2P does not use.

/// `<pad>`: what the decoder starts with.
pub const PAD: i64 = 0;
/// `</s>`: the end of a pronunciation.
pub const END: i64 = 1;
/// `<unk>`: in CharsiuG2P the mark of a language that is not known.
pub const UNKNOWN: i64 = 2;
/// The id of the byte 0.
const FIRST_BYTE: i64 = 3;

/// A text's bytes as ids, without an end mark. A mark that is spelled out, such as `</s>`, is text.
pub fn encode(text: &str) -> impl Iterator<Item = i64> {
    text.bytes().map(|byte| i64::from(byte) + FIRST_BYTE)
}

/// What CharsiuG2P reads before a word: `<eng-us>: `, with a mark of its own for `unk`.
pub fn language_mark(language: &str) -> Vec<i64> {
    if language == "unk" {
        return [UNKNOWN].into_iter().chain(encode(": ")).collect();
    }
    encode(&format!("<{language}>: ")).collect()
}

/// The text of ids: marks and bytes that are no UTF-8 are left out.
pub fn decode(ids: &[i64]) -> String {
    let bytes: Vec<u8> = ids.iter().filter_map(|id| u8::try_from(id - FIRST_BYTE).ok()).collect();
    bytes.utf8_chunks().map(|chunk| chunk.valid()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_bytes_and_three() {
        assert_eq!(encode("aé").collect::<Vec<_>>(), [100, 198, 172]);
        assert_eq!(decode(&[100, 198, 172]), "aé");
    }

    #[test]
    fn a_language_has_a_mark_and_the_unknown_one_a_token() {
        assert_eq!(decode(&language_mark("eng-us")), "<eng-us>: ");
        assert_eq!(language_mark("unk"), [UNKNOWN, 61, 35]);
    }

    #[test]
    fn what_is_no_text_is_left_out() {
        assert_eq!(decode(&[PAD, 100, UNKNOWN, 198, 101, 259, 383, END]), "ab");
        assert_eq!(decode(&[-7, i64::MIN + 3, i64::MAX]), "");
    }
}
