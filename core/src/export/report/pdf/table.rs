//! Tables: widths of columns, rows as blocks, heads repeated on every page.

use super::block::{Block, Colour, Fonts, Item, Look, Weight};
use super::flow::{Flow, HEIGHT, WIDTH};
use super::font::{Glyph, Run, width};
use super::lines::{lines, widest_word};
use crate::export::report::parts::Table;

const SIZE: f32 = 8.6;
const SMALL: f32 = 7.4;
/// Free space at the left and right of a cell, and above and below.
const PAD: (f32, f32) = (4.5, 2.0);
const BEFORE: f32 = 6.0;
/// Rows of tables lower than this stay on one page.
const WHOLE: f32 = 0.3 * HEIGHT;
const GROUND: Colour = [0xf1, 0xf3, 0xf5];
const HEAVY: Colour = [0x88; 3];
const LIGHT: Colour = [0xd8; 3];

/// A table as it is set.
struct Set<'a> {
    table: &'a Table,
    look: Look,
    widths: Vec<f32>,
}

/// Adds a table to the pages.
pub(super) fn table(flow: &mut Flow, fonts: &Fonts, table: &Table) {
    let look = Look::new(Weight::Regular, if table.small { SMALL } else { SIZE });
    let cells = |row: &[String], head: bool| -> Vec<Run> {
        let weight =
            |column| if head || column == 0 && table.named_rows() { Weight::Strong } else { Weight::Regular };
        row.iter().enumerate().map(|(column, text)| fonts.set(text, weight(column))).collect()
    };
    let head = (!table.named_rows()).then(|| cells(&table.head, true));
    let rows: Vec<Vec<Run>> = table.rows.iter().map(|row| cells(row, false)).collect();
    let widths = widths(head.as_ref(), &rows, look.size);
    let set = Set { table, look, widths };
    let head = head.map(|cells| set.head(&cells));
    let mut rows: Vec<Block> = rows.iter().map(|cells| set.row(cells)).collect();
    let Some(last) = rows.len().checked_sub(1) else { return };
    let bottom = rows[last].height;
    rows[last].rule(bottom, 0.0, set.width(), HEAVY);
    rows[0].before = if head.is_none() { BEFORE } else { 0.0 };
    let whole = rows.iter().map(|row| row.height).sum::<f32>() < WHOLE;
    for (i, row) in rows.into_iter().enumerate() {
        match &head {
            Some(head) if i == 0 => flow.keep(Block { before: BEFORE, ..head.clone() }),
            Some(head) if !whole && !flow.fits(std::slice::from_ref(&row)) => flow.keep(head.clone()),
            _ => {}
        }
        if whole && i < last { flow.keep(row) } else { flow.add(row) }
    }
}

impl Set<'_> {
    fn width(&self) -> f32 {
        self.widths.iter().sum()
    }

    fn head(&self, cells: &[Run]) -> Block {
        let look = Look { weight: Weight::Strong, ..self.look };
        let mut block = self.cells(cells, |_| look, true);
        block.items.insert(0, Item::Fill { rect: [0.0, 0.0, self.width(), block.height], colour: GROUND });
        block.rule(0.0, 0.0, self.width(), HEAVY);
        block.rule(block.height, 0.0, self.width(), HEAVY);
        block
    }

    fn row(&self, cells: &[Run]) -> Block {
        let strong = Look { weight: Weight::Strong, ..self.look };
        let named = self.table.named_rows();
        let mut block =
            self.cells(cells, |column| if column == 0 && named { strong } else { self.look }, false);
        block.rule(block.height, 0.0, self.width(), LIGHT);
        block
    }

    /// A row of cells; those of a head stand at its bottom.
    fn cells(&self, cells: &[Run], look: impl Fn(usize) -> Look, bottom: bool) -> Block {
        let room = |column: usize| (self.widths[column] - 2.0 * PAD.0) / self.look.size;
        let set: Vec<Vec<Run>> =
            cells.iter().enumerate().map(|(column, run)| lines(run, room(column))).collect();
        let most = set.iter().map(Vec::len).max().unwrap_or(1);
        let mut block = Block { height: most as f32 * self.look.line() + 2.0 * PAD.1, ..Block::default() };
        let mut left = 0.0;
        for (column, lines) in set.iter().enumerate() {
            let down = if bottom { (most - lines.len()) as f32 * self.look.line() } else { 0.0 };
            let y = PAD.1 + down;
            if self.table.numbers(column) {
                block.lines_to(lines, (left + self.widths[column] - PAD.0, y), look(column));
            } else {
                block.lines(lines, (left + PAD.0, y), look(column));
            }
            left += self.widths[column];
        }
        block
    }
}

/// Widths of the columns. All text stands in one line where that fits; else names of columns take more lines, then cells
/// do, down to what the longest words need.
fn widths(head: Option<&Vec<Run>>, rows: &[Vec<Run>], size: f32) -> Vec<f32> {
    let all = || head.into_iter().chain(rows);
    let columns = all().map(Vec::len).max().unwrap_or(0);
    let widest = |runs: &mut dyn Iterator<Item = &Vec<Run>>, of: fn(&[Glyph]) -> f32| -> Vec<f32> {
        let mut widths = vec![0.0_f32; columns];
        for (column, run) in runs.flat_map(|row| row.iter().enumerate()) {
            widths[column] = widths[column].max(of(run) * size + 2.0 * PAD.0 + 0.1);
        }
        widths
    };
    let (whole, least) = (widest(&mut all(), width), widest(&mut all(), widest_word));
    let cells: Vec<f32> =
        widest(&mut rows.iter(), width).iter().zip(&least).map(|(c, l)| c.max(*l)).collect();
    let sum = |widths: &[f32]| widths.iter().sum::<f32>();
    let between = |fits: &[f32], wide: &[f32]| -> Vec<f32> {
        let part = (WIDTH - sum(fits)) / (sum(wide) - sum(fits)).max(1e-3);
        fits.iter().zip(wide).map(|(f, w)| f + part * (w - f)).collect()
    };
    match (sum(&whole) <= WIDTH, sum(&cells) <= WIDTH, sum(&least) <= WIDTH) {
        (true, ..) => whole,
        (_, true, _) => between(&cells, &whole),
        (.., true) => between(&least, &cells),
        _ => narrowed(least),
    }
}

/// Columns that are too wide together: the wide ones give way, down to one width.
fn narrowed(least: Vec<f32>) -> Vec<f32> {
    let (mut low, mut high) = (0.0, WIDTH);
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        let sum: f32 = least.iter().map(|w| w.min(middle)).sum();
        if sum > WIDTH { high = middle } else { low = middle }
    }
    least.into_iter().map(|w| w.min(low)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(table: &Table) -> Vec<Vec<f32>> {
        let mut flow = Flow::new();
        super::table(&mut flow, &Fonts::new().unwrap(), table);
        flow.finish().iter().map(|page| page.iter().map(|(y, _)| *y).collect()).collect()
    }

    #[test]
    fn a_long_table_has_its_head_on_every_page() {
        let rows = (0..150).map(|i| vec![format!("row {i}"), i.to_string()]).collect();
        let table = Table::new(&["name", "number"], rows);
        let pages = blocks(&table);
        let all: usize = pages.iter().map(Vec::len).sum();
        assert!(pages.len() > 2, "{}", pages.len());
        assert_eq!(all, 150 + pages.len());
    }

    #[test]
    fn columns_fill_the_page_at_most() {
        let fonts = Fonts::new().unwrap();
        let run = |text: &str| fonts.set(text, Weight::Regular);
        for text in ["a", "some words in a row that is long enough to be broken somewhere", &"x".repeat(400)]
        {
            let rows = [vec![run(text), run("1.0"), run(text), run("λ")]];
            let widths = widths(None, &rows, SIZE);
            assert!(widths.iter().sum::<f32>() <= WIDTH + 0.01, "{widths:?}");
            assert!(widths.iter().all(|w| *w > 2.0 * PAD.0), "{widths:?}");
        }
    }
}
