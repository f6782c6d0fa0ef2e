//! The example's tokenizer and its languages, asked line by line.
//!
//! `encode TEXT` and `mark LANGUAGE` answer with ids, `decode IDS` with a text; texts are in
//! hexadecimal, so that a line holds any of them. `languages` answers with all of them.

#[path = "languages.rs"]
mod languages;
#[path = "tokenizer.rs"]
#[allow(dead_code)]
mod tokenizer;

fn main() {
    for line in std::io::stdin().lines() {
        let line = line.expect("standard input can be read");
        let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
        println!("{}", answer(command, argument));
    }
}

fn answer(command: &str, argument: &str) -> String {
    match command {
        "encode" => ids(tokenizer::encode(&text(argument)).collect()),
        "mark" => ids(tokenizer::language_mark(argument)),
        "decode" => {
            let ids: Vec<i64> = argument.split(' ').filter_map(|id| id.parse().ok()).collect();
            tokenizer::decode(&ids).bytes().map(|byte| format!("{byte:02x}")).collect()
        }
        "languages" => languages::LANGUAGES.join(" "),
        _ => panic!("unknown command {command}"),
    }
}

fn ids(ids: Vec<i64>) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn text(hexadecimal: &str) -> String {
    let byte = |at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).expect("two digits a byte");
    let bytes = (0..hexadecimal.len()).step_by(2).map(byte).collect();
    String::from_utf8(bytes).expect("the text is UTF-8")
}
