//! Aligned columns of text.

use crate::escape;

/// Rows under a heading. Text is escaped as it comes in.
#[derive(Debug)]
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// What an empty cell shows, so that a row always has the same number of words.
const EMPTY: &str = "-";

impl Table {
    /// A table without rows.
    pub fn new(heading: &[&'static str]) -> Self {
        Self {
            heading: heading.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of as many cells as the heading has.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.heading.len());
        let shown = cells.iter().map(|cell| match escape::plain(cell) {
            empty if empty.is_empty() => EMPTY.to_owned(),
            text => text,
        });
        self.rows.push(shown.collect());
    }

    /// Lines, each with its line feed: columns as wide as their widest cell and two spaces apart, numbers to the
    /// right, no spaces at the end.
    pub fn text(&self) -> String {
        let mut text = line(&self.heading, &self.widths(), &self.numeric());
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            text.push_str(&line(&cells, &self.widths(), &self.numeric()));
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(self.heading[column].len())
        };
        (0..self.heading.len()).map(width).collect()
    }

    fn numeric(&self) -> Vec<bool> {
        let is_number = |cell: &String| cell == EMPTY || cell.bytes().all(|b| b.is_ascii_digit());
        let column = |column: usize| {
            let mut cells = self.rows.iter().map(|row| &row[column]);
            cells.clone().any(|cell| cell != EMPTY) && cells.all(is_number)
        };
        (0..self.heading.len()).map(column).collect()
    }
}

fn line(cells: &[&str], widths: &[usize], numeric: &[bool]) -> String {
    let mut line = String::new();
    for ((cell, width), numeric) in cells.iter().zip(widths).zip(numeric) {
        let space = " ".repeat(width - cell.chars().count());
        if *numeric {
            line.push_str(&space);
            line.push_str(cell);
        } else {
            line.push_str(cell);
            line.push_str(&space);
        }
        line.push_str("  ");
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[[&str; 3]], expected: &str) {
        let mut table = Table::new(&["NAME", "PACKETS", "WHY"]);
        for row in rows {
            table.row(row.map(str::to_owned));
        }
        assert_eq!(table.text(), expected);
    }

    #[test]
    fn an_empty_table_is_its_heading() {
        check(&[], "NAME  PACKETS  WHY\n");
    }

    #[test]
    fn columns_align_and_numbers_go_right() {
        check(
            &[["eth0", "7", "ok"], ["größer", "12345678", ""]],
            "NAME     PACKETS  WHY\neth0           7  ok\ngrößer  12345678  -\n",
        );
    }

    #[test]
    fn a_cell_stays_on_its_line() {
        check(
            &[["a\nb", "", "x"]],
            "NAME     PACKETS  WHY\na\\u{a}b  -        x\n",
        );
    }
}
