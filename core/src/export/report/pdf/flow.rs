//! Blocks on pages.

use super::block::Block;

/// A4 in points.
pub(super) const PAPER: (f32, f32) = (595.28, 841.89);
/// Margins: left and right, top, bottom.
pub(super) const SIDE: f32 = 45.0;
const TOP: f32 = 48.0;
const BOTTOM: f32 = 54.0;
/// Width of the text.
pub(super) const WIDTH: f32 = PAPER.0 - 2.0 * SIDE;
/// Height of it.
pub(super) const HEIGHT: f32 = PAPER.1 - TOP - BOTTOM;

/// A block and its top on the page.
pub(super) type Placed = (f32, Block);

/// Pages that fill up.
pub(super) struct Flow {
    pub(super) pages: Vec<Vec<Placed>>,
    /// Top of the free part of the last page.
    y: f32,
    /// Blocks that stand on the page of the next one.
    waiting: Vec<Block>,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self { pages: vec![Vec::new()], y: TOP, waiting: Vec::new() }
    }

    /// Places a block on the page of the next one.
    pub(super) fn keep(&mut self, block: Block) {
        self.waiting.push(block);
    }

    /// Places a block, on a new page where it does not fit. One higher than a page begins one.
    pub(super) fn add(&mut self, block: Block) {
        self.waiting.push(block);
        let all = std::mem::take(&mut self.waiting);
        if !self.fits(&all) {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
        for mut block in all {
            let page = self.pages.last_mut().filter(|page| !page.is_empty());
            self.y += if page.is_some() { block.before } else { 0.0 };
            block.before = 0.0;
            let height = block.height;
            if let Some(page) = self.pages.last_mut() {
                page.push((self.y, block));
            }
            self.y += height;
        }
    }

    /// Whether blocks fit on the page that is being filled, or no page at all would hold more of them.
    pub(super) fn fits(&self, blocks: &[Block]) -> bool {
        let empty = self.pages.last().is_none_or(Vec::is_empty);
        let needed: f32 = blocks.iter().map(|b| b.before + b.height).sum();
        empty || self.y + needed <= TOP + HEIGHT
    }

    /// Blocks that are still to be placed stand alone.
    pub(super) fn finish(mut self) -> Vec<Vec<Placed>> {
        if let Some(last) = self.waiting.pop() {
            self.add(last);
        }
        self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(height: f32) -> Block {
        Block { before: 10.0, height, ..Block::default() }
    }

    #[test]
    fn a_heading_goes_with_what_it_heads() {
        let mut flow = Flow::new();
        flow.add(block(HEIGHT - 100.0));
        flow.keep(block(20.0));
        flow.add(block(80.0));
        flow.add(block(2.0 * HEIGHT));
        flow.add(block(5.0));
        let pages: Vec<Vec<f32>> =
            flow.finish().iter().map(|page| page.iter().map(|(y, _)| *y).collect()).collect();
        assert_eq!(pages, [vec![TOP], vec![TOP, TOP + 30.0], vec![TOP], vec![TOP]]);
    }
}
