//! The formats that templates render to: how a value is written in each, and whether the output is one.

use std::borrow::Cow;

use serde_json::Value;

use crate::model::tree::shape;

/// What a template renders to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Format {
    Toml,
    Json,
    Sql,
    /// Text for people.
    Text,
}

impl Format {
    pub(super) const ALL: [Format; 4] = [Format::Toml, Format::Json, Format::Sql, Format::Text];

    /// The format of a file, by the last part of its name.
    pub(super) fn of(path: &str) -> Option<Format> {
        match path.rsplit_once('.')?.1 {
            "toml" => Some(Format::Toml),
            "json" => Some(Format::Json),
            "sql" => Some(Format::Sql),
            "md" | "txt" => Some(Format::Text),
            _ => None,
        }
    }
}

/// A value where a template says `{{x}}`: inside quotes the template wrote, or bare for numbers and booleans.
pub(super) fn plain(format: Format, value: &Value) -> Result<Cow<'_, str>, String> {
    let text = match value {
        Value::Bool(_) | Value::Number(_) => return Ok(value.to_string().into()),
        Value::String(text) => text,
        Value::Null => return Err("has no value".to_owned()),
        Value::Array(_) | Value::Object(_) => {
            return Err(format!("is {}: write {{{{json …}}}} or {{{{join …}}}}", shape(value)));
        }
    };
    match format {
        Format::Toml => Ok(toml_escape(text)),
        Format::Json => Ok(json_inner(text)),
        Format::Text => Ok(text.into()),
        Format::Sql if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => Ok(text.into()),
        Format::Sql => Err("is not a plain word: write {{sql_ident …}} or {{sql_str …}}".to_owned()),
    }
}

/// A value as a literal of the format, with its own quotes and brackets.
pub(super) fn literal(format: Format, value: &Value) -> Result<Cow<'_, str>, String> {
    match format {
        Format::Toml => toml_literal(value).map(Cow::from),
        Format::Json | Format::Text if value.is_null() => Err("has no value".to_owned()),
        Format::Json | Format::Text => Ok(value.to_string().into()),
        Format::Sql => Err("has no literal in SQL: write {{sql_str …}}".to_owned()),
    }
}

fn toml_literal(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Err("has no value".to_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::String(text) => Ok(format!("\"{}\"", toml_escape(text))),
        Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(toml_literal).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                toml_literal(value).map(|value| format!("\"{}\" = {value}", toml_escape(key)))
            };
            let entries: Result<Vec<_>, String> = entries.iter().map(entry).collect();
            let entries = entries?;
            Ok(if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) })
        }
    }
}

/// The inside of a TOML basic string. JSON's escapes are TOML's too, but for DEL, which TOML does not take bare.
fn toml_escape(text: &str) -> Cow<'_, str> {
    match json_inner(text) {
        inner if inner.contains('\u{7f}') => inner.replace('\u{7f}', "\\u007F").into(),
        inner => inner,
    }
}

/// The inside of a JSON string; hardly any text has something in it to escape.
fn json_inner(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        return text.into();
    }
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned().into()
}

/// A name in SQL, in backticks.
pub(super) fn sql_ident(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("cannot be a name in SQL: it is empty or has control characters".to_owned());
    }
    Ok(format!("`{}`", text.replace('`', "``")))
}

/// A text in SQL, in single quotes. Databricks SQL reads backslashes, so they are doubled too.
pub(super) fn sql_str(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("cannot be a text in SQL: it has a zero byte".to_owned());
    }
    Ok(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")))
}

/// What is wrong with an SQL text as a whole: quotes and comments that do not end. The rest is for the server.
pub(super) fn sql_problem(text: &str) -> Option<(usize, &'static str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (end, problem) = match rest {
            [b'-', b'-', ..] => (Some(rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())), ""),
            [b'/', b'*', ..] => (comment_end(rest), "a comment that does not end"),
            [quote @ (b'\'' | b'"' | b'`'), ..] => (quoted_end(rest, *quote), "a quote that does not end"),
            _ => (Some(1), ""),
        };
        match end {
            Some(end) => at += end,
            None => return Some((at, problem)),
        }
    }
    None
}

fn comment_end(text: &[u8]) -> Option<usize> {
    text.windows(2).skip(2).position(|pair| pair == b"*/").map(|at| at + 4)
}

fn quoted_end(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' if quote != b'`' => at += 1,
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hostile_text_stays_inside_its_quotes() {
        for text in ["a\"b", "a\\", "line\nbreak", "\u{7f}\u{0}", "]\n[[resource]]", "é\u{2028}"] {
            let value = json!(text);
            let (quoted, whole) =
                (plain(Format::Toml, &value).unwrap(), literal(Format::Toml, &value).unwrap());
            let toml = format!("x = \"{quoted}\"\ny = {whole}");
            let read: toml::Table = toml.parse().unwrap_or_else(|e| panic!("{toml:?}: {e}"));
            assert_eq!((read["x"].as_str(), read["y"].as_str()), (Some(text), Some(text)));
            let json = format!("[\"{}\"]", plain(Format::Json, &value).unwrap());
            assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
        }
        assert_eq!(sql_str("O'Hara\\").unwrap(), r"'O\'Hara\\'");
        assert_eq!(sql_ident("a`; drop").unwrap(), "`a``; drop`");
        assert!(plain(Format::Sql, &json!("x; drop table y")).is_err());
        assert!(sql_problem(&sql_str("it's -- fine").unwrap()).is_none());
    }

    #[test]
    fn literals_keep_their_types() {
        let value = json!({"a b": [1, 2.5, true, "x"], "empty": {}});
        let toml = format!("x = {}", literal(Format::Toml, &value).unwrap());
        assert_eq!(toml, r#"x = { "a b" = [1, 2.5, true, "x"], "empty" = {} }"#);
        assert!(toml.parse::<toml::Table>().is_ok());
        assert!(literal(Format::Toml, &json!([null])).is_err());
    }

    #[test]
    fn open_quotes_in_sql_are_found() {
        assert_eq!(sql_problem("select 'a"), Some((7, "a quote that does not end")));
        assert_eq!(sql_problem("select 1 /* x"), Some((9, "a comment that does not end")));
        assert_eq!(sql_problem("/*/"), Some((0, "a comment that does not end")));
        assert_eq!(sql_problem("select 'it\\'s', `a`, \"b\" -- it's\n/* ' */;/**/"), None);
    }
}
