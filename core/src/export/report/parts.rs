//! What a report says, part by part: described once, written by several writers.

use super::chart::Chart;

/// A report's title and its parts from top to bottom.
pub(super) struct Page<'a> {
    pub(super) title: String,
    /// What is laid over every page.
    pub(super) mark: Option<&'static str>,
    pub(super) parts: Vec<Part<'a>>,
}

/// One of them. Text is plain: every writer escapes it as it must.
pub(super) enum Part<'a> {
    Heading(String),
    Paragraph(String),
    /// Running text that may be smaller.
    Small(String),
    /// What a reader must not miss.
    Note(String),
    /// Points of a list, in small text.
    List(Vec<String>),
    Table(Table),
    /// Charts, two beside each other.
    Charts(Vec<Chart>),
    /// Colours and what they stand for.
    Legend(Vec<(String, [u8; 3])>),
    /// A PNG as wide as the page at most, and what it shows.
    Picture(&'a [u8], &'static str),
}

/// A table.
pub(super) struct Table {
    /// Names of the columns; none where every row begins with its own name.
    pub(super) head: Vec<String>,
    /// Rows, as many cells each as there are columns.
    pub(super) rows: Vec<Vec<String>>,
    /// Whether its text may be smaller.
    pub(super) small: bool,
}

impl Table {
    /// A table under names of columns.
    pub(super) fn new(head: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { head: head.iter().map(|name| (*name).to_owned()).collect(), rows, small: false }
    }

    /// Names and what belongs to each.
    pub(super) fn facts(facts: Vec<(String, String)>) -> Self {
        let rows = facts.into_iter().map(|(name, value)| vec![name, value]).collect();
        Self { head: Vec::new(), rows, small: false }
    }

    /// The same in smaller text.
    pub(super) fn small(self) -> Self {
        Self { small: true, ..self }
    }

    /// Whether every row begins with its own name.
    pub(super) fn named_rows(&self) -> bool {
        self.head.is_empty()
    }

    /// Whether numbers stand in a column: they are set to the right, so that their digits align.
    pub(super) fn numbers(&self, column: usize) -> bool {
        let cells = || self.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty());
        let number = |cell: &String| {
            cell == "-" || cell.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit())
        };
        !self.named_rows() && cells().next().is_some() && cells().all(number)
    }
}

impl<'a> Page<'a> {
    pub(super) fn heading(&mut self, text: &str) {
        self.parts.push(Part::Heading(text.to_owned()));
    }

    pub(super) fn paragraph(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Paragraph(text.into()));
    }

    pub(super) fn small(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Small(text.into()));
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Note(text.into()));
    }

    pub(super) fn table(&mut self, table: Table) {
        self.parts.push(Part::Table(table));
    }

    pub(super) fn push(&mut self, part: Part<'a>) {
        self.parts.push(part);
    }
}

/// A part as a percentage.
pub(super) fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

/// A unit as it is printed: µm for um, µm⁻¹ for 1/um.
pub(super) fn unit(stated: &str) -> String {
    match (stated, stated.strip_prefix("1/")) {
        (_, Some(below)) => format!("{}⁻¹", unit(below)),
        ("um" | "micron" | "microns", _) => "µm".to_owned(),
        ("1", _) => String::new(),
        (other, _) => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_printed_as_they_are_written() {
        for (stated, printed) in
            [("um", "µm"), ("1/um", "µm⁻¹"), ("1/voxel", "voxel⁻¹"), ("nm", "nm"), ("1", "")]
        {
            assert_eq!(unit(stated), printed);
        }
    }

    #[test]
    fn columns_of_numbers_are_told_from_words() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = vec![row(["pore", "-0.5", "", "1 to 2"]), row(["3d", "-", "", "lost"])];
        let table = Table::new(&["a", "b", "c", "d"], rows);
        assert_eq!([0, 1, 2, 3].map(|column| table.numbers(column)), [false, true, false, false]);
    }
}
