//! Reads tables back that [`Answer::csv`](crate::evidence::answer::Answer::csv) wrote.

/// The rows of a CSV with its head first; none if it is not one of ours: RFC 4180, each row as long as the head.
pub fn rows(text: &str) -> Option<Vec<Vec<String>>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        match (is_quoted, letter) {
            (true, '"') if letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            (true, '"') => is_quoted = false,
            (true, letter) => cell.push(letter),
            (false, '"') if cell.is_empty() => is_quoted = true,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') if letters.peek() == Some(&'\n') => {
                letters.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (false, '"' | '\r' | '\n') => return None,
            (false, letter) => cell.push(letter),
        }
    }
    let is_over = !is_quoted && cell.is_empty() && row.is_empty();
    let width = rows.first()?.len();
    (is_over && rows.iter().all(|row| row.len() == width)).then_some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::answer::Answer;

    #[test]
    fn what_is_read_back_writes_the_same_bytes() {
        let columns = &["id", "name"];
        let cells = ["=cmd|' /C calc'!A0", "a,b", "say \"so\"", "two\r\nlines", "", "é", "'=x", "-1", "@a"];
        let table: Vec<Vec<String>> =
            cells.iter().map(|cell| vec!["1".to_owned(), (*cell).to_owned()]).collect();
        let csv = |rows| Answer { question: "t", sentence: String::new(), columns, rows }.csv();
        let written = csv(table);
        let mut read = rows(&written).expect("our own form");
        assert_eq!(read.remove(0), ["id", "name"]);
        assert_eq!(read[0][1], "'=cmd|' /C calc'!A0", "no cell begins like a formula");
        assert_eq!(csv(read), written);
    }

    #[test]
    fn what_is_no_table_is_none() {
        for bad in ["", "a,b", "a,b\r\n1\r\n", "a\"b\r\n", "\"a\r\n", "a\nb\r\n", "\"a\"b\"\r\n"] {
            assert_eq!(rows(bad), None, "{bad:?}");
        }
    }
}
