//! Bare words in the log view: what a person types who knows no query language, as LogQL that every Loki evaluates.
//! A word is looked for in all that a line shows: its message, its service and level, and the fields beside the message.

use std::collections::BTreeSet;

use super::loki::quoted;

/// Looked for beside the message even before a line was seen that has them.
const ALWAYS: [&str; 4] = ["service", "level", "trace_id", "span_id"];
/// Names of what wrote the line: they repeat the service's name, so that a word would find whole services by them.
const REPEATED: [&str; 6] = [
    "service_name",
    "service_instance_id",
    "detected_level",
    "scope",
    "instance",
    "job",
];
/// Names that are searched at most: beyond them the query itself would be the load.
const NAMES: usize = 100;
/// The label that holds the searched text while the query runs; it is dropped behind the filters.
const SEARCHED: &str = "words_";

/// The names among `seen` in which bare words are looked for, with those that every line has; empty when none was seen.
#[must_use]
pub fn searched(seen: &BTreeSet<String>) -> Vec<&str> {
    let plain = |name: &&str| {
        let mut letters = name.chars();
        letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let own = seen
        .iter()
        .map(String::as_str)
        .filter(plain)
        .filter(|name| !ALWAYS.contains(name) && !REPEATED.contains(name))
        .take(NAMES);
    if seen.is_empty() {
        Vec::new()
    } else {
        ALWAYS.into_iter().chain(own).collect()
    }
}

/// LogQL of what a person typed: LogQL stays; of bare words each must occur somewhere in the line or in a field of the
/// names `seen`, in upper or lower case; words in double quotes belong together; after `!` none may occur. A word that
/// is a field's name finds the lines that have it, and `name=value` those in which its value begins so. Without a name
/// seen the message alone is searched.
#[must_use]
pub fn as_logql(text: &str, seen: &BTreeSet<String>) -> String {
    let text = text.trim();
    if text.starts_with('{') {
        return text.to_owned();
    }
    let (without, words) = text
        .strip_prefix('!')
        .map_or((false, text), |rest| (true, rest));
    let mut query = String::from(r#"{service=~".+"}"#);
    let (words, names) = (phrases(words), searched(seen));
    if words.is_empty() {
        return query;
    }
    if names.is_empty() {
        let operator = if without { "!~" } else { "|~" };
        for word in words {
            let pattern = quoted(&format!("(?i){}", escape_regex(word)));
            query.push_str(&format!(" {operator} {pattern}"));
        }
        return query;
    }
    let shown: Vec<String> = names
        .iter()
        .map(|name| format!("{{{{.{name}}}}}"))
        .collect();
    query.push_str(&format!(
        " | label_format {SEARCHED}=`{{{{__line__}}}} {}`",
        shown.join(" ")
    ));
    for word in words {
        query.push_str(&format!(" | {}", condition(word, &names, without)));
    }
    query + &format!(" | drop {SEARCHED}")
}

/// The label filter for a word.
fn condition(word: &str, names: &[&str], without: bool) -> String {
    let (matches, or) = if without { ("!~", "and") } else { ("=~", "or") };
    let escaped = escape_regex(word);
    let anywhere = format!(
        "{SEARCHED}{matches}{}",
        quoted(&format!("(?is).*{escaped}.*"))
    );
    let named = |name: &str| names.iter().find(|n| n.eq_ignore_ascii_case(name));
    if let Some(name) = named(word) {
        let (has, or) = if without { ("=", "and") } else { ("!=", "or") };
        return format!("{anywhere} {or} {name}{has}\"\"");
    }
    match word
        .split_once('=')
        .map(|(name, value)| (named(name), value))
    {
        Some((Some(name), value)) if !value.is_empty() => {
            let value = quoted(&format!("(?is){}.*", escape_regex(value)));
            format!("{anywhere} {or} {name}{matches}{value}")
        }
        _ => anywhere,
    }
}

/// Where bare words were looked for, for a person who found nothing; nothing when the text is no bare words.
#[must_use]
pub fn places(text: &str, seen: &BTreeSet<String>) -> Option<String> {
    let words = phrases(text.trim().trim_start_matches('!'));
    if text.trim().starts_with('{') || words.is_empty() {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let own: Vec<&str> = searched(seen)
        .into_iter()
        .filter(|name| !ALWAYS.contains(name))
        .collect();
    let fields = match own.as_slice() {
        [] => String::new(),
        own => format!(" and the fields {}", own.join(", ")),
    };
    let standing = if seen.is_empty() {
        String::new()
    } else {
        ", service, level, trace and span id".to_owned()
    };
    Some(format!(
        "looked for {} in the message{standing}{fields}",
        words.join(" with ")
    ))
}

/// The words of a text, and as one what stands in double quotes.
fn phrases(text: &str) -> Vec<&str> {
    text.split('"')
        .enumerate()
        .flat_map(|(i, part)| match i % 2 {
            1 => vec![part],
            _ => part.split_whitespace().collect(),
        })
        .filter(|word| !word.trim().is_empty())
        .collect()
}

/// Makes text match itself in a regular expression.
#[must_use]
pub fn escape_regex(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn without_a_field_known_bare_words_are_a_line_filter_and_an_exclamation_mark_turns_it() {
        let plain = |text| as_logql(text, &BTreeSet::new());
        assert_eq!(plain("a.b"), r#"{service=~".+"} |~ "(?i)a\\.b""#);
        assert_eq!(plain("!health"), r#"{service=~".+"} !~ "(?i)health""#);
        assert_eq!(
            plain(r#" worker  slot "took long""#),
            r#"{service=~".+"} |~ "(?i)worker" |~ "(?i)slot" |~ "(?i)took long""#
        );
        assert_eq!(plain(" \" "), r#"{service=~".+"}"#);
        assert_eq!(plain(r#"{service="x"}"#), r#"{service="x"}"#);
    }

    #[test]
    fn each_word_is_looked_for_in_the_message_and_in_every_field_seen() {
        let seen = seen(&["reason", "scope", "service", "no-label", "9"]);
        let text = "{{__line__}} {{.service}} {{.level}} {{.trace_id}} {{.span_id}} {{.reason}}";
        assert_eq!(
            as_logql("timeout a.b", &seen),
            format!(
                r#"{{service=~".+"}} | label_format words_=`{text}` | words_=~"(?is).*timeout.*" | words_=~"(?is).*a\\.b.*" | drop words_"#
            )
        );
        assert_eq!(
            as_logql("!timeout", &seen),
            format!(
                r#"{{service=~".+"}} | label_format words_=`{text}` | words_!~"(?is).*timeout.*" | drop words_"#
            )
        );
        assert_eq!(as_logql("", &seen), r#"{service=~".+"}"#);
    }

    #[test]
    fn a_field_is_found_by_its_name_and_by_name_and_value() {
        let seen = seen(&["reason"]);
        let condition_of = |text: &str| {
            let query = as_logql(text, &seen);
            let (_, behind) = query.split_once("` | ").unwrap();
            behind.trim_end_matches(" | drop words_").to_owned()
        };
        assert_eq!(
            condition_of("Reason"),
            r#"words_=~"(?is).*Reason.*" or reason!="""#
        );
        assert_eq!(
            condition_of("!reason"),
            r#"words_!~"(?is).*reason.*" and reason="""#
        );
        assert_eq!(
            condition_of("reason=time.out"),
            r#"words_=~"(?is).*reason=time\\.out.*" or reason=~"(?is)time\\.out.*""#
        );
        assert_eq!(
            condition_of("!reason=x"),
            r#"words_!~"(?is).*reason=x.*" and reason!~"(?is)x.*""#
        );
        assert_eq!(condition_of("other=x"), r#"words_=~"(?is).*other=x.*""#);
    }

    #[test]
    fn what_found_nothing_says_where_it_was_looked_for() {
        assert_eq!(
            places("lock wait", &seen(&["reason", "level"])).as_deref(),
            Some(
                "looked for \"lock\" with \"wait\" in the message, service, level, trace and span id and the fields reason"
            )
        );
        assert_eq!(
            places("!lock", &BTreeSet::new()).as_deref(),
            Some("looked for \"lock\" in the message")
        );
        assert_eq!(places("{a=\"b\"}", &BTreeSet::new()), None);
        assert_eq!(places(" ", &BTreeSet::new()), None);
    }
}
