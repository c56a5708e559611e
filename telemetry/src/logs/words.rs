//! Bare words: what a person types who knows no query language.

use super::parse::is_logql;

/// The LogQL query for lines of all streams that hold every word of `text`, upper or lower case;
/// words in double quotes belong together. `None` when there is no word.
#[must_use]
pub fn bare_words(text: &str) -> Option<String> {
    let mut query = String::from("{service=~\".+\"}");
    let none = query.len();
    for (index, part) in text.split('"').enumerate() {
        let quoted = index % 2 == 1;
        let words: Vec<&str> = if quoted {
            vec![part]
        } else {
            part.split_whitespace().collect()
        };
        for word in words.into_iter().filter(|word| !word.trim().is_empty()) {
            let pattern = format!("(?i){}", regex::escape(word));
            let literal = serde_json::Value::from(pattern).to_string();
            query.push_str(" |~ ");
            query.push_str(&literal);
        }
    }
    (query.len() > none).then_some(query)
}

/// `text` itself if it is LogQL, else the query for its words; `None` when there is nothing in it.
#[must_use]
pub fn query_or_words(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return None;
    }
    if is_logql(text) {
        return Some(text.to_owned());
    }
    bare_words(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_filters_that_parse() {
        let query = bare_words(r#"Timeout (5s) "lock wait" a\d"#).unwrap();
        assert_eq!(
            query,
            r#"{service=~".+"} |~ "(?i)Timeout" |~ "(?i)\\(5s\\)" |~ "(?i)lock wait" |~ "(?i)a\\\\d""#
        );
        assert!(crate::logs::parse(&query).is_ok());
        assert_eq!(bare_words("  \" \" "), None);
    }

    #[test]
    fn control_characters_in_words_do_not_break_the_query() {
        let query = bare_words("a\u{1}b é").unwrap();
        assert!(crate::logs::parse(&query).is_ok(), "{query}");
    }

    #[test]
    fn logql_passes_unchanged() {
        assert_eq!(query_or_words("{a=\"b\"}").as_deref(), Some("{a=\"b\"}"));
        assert_eq!(query_or_words(" "), None);
    }
}
