//! The fonts that are embedded in every PDF, and how wide their letters are.

use krilla::text::Font;
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider as _};

/// A sort of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    Strong,
    Code,
}

/// A letter's shape in a font, and its width at size one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) glyph: u32,
    pub(super) width: f32,
}

/// All fonts.
pub(super) struct Fonts {
    plain: One,
    strong: One,
    code: One,
}

struct One {
    font: Font,
    letters: Charmap<'static>,
    widths: GlyphMetrics<'static>,
    units: f32,
}

impl One {
    fn new(bytes: &'static [u8]) -> Option<Self> {
        let read = FontRef::new(bytes).ok()?;
        let units = f32::from(read.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        Some(Self {
            font: Font::new(bytes.into(), 0)?,
            letters: read.charmap(),
            widths: read.glyph_metrics(Size::unscaled(), LocationRef::default()),
            units,
        })
    }
}

impl Fonts {
    pub(super) fn embedded() -> Option<Self> {
        Some(Self {
            plain: One::new(dejavu::sans_condensed::regular())?,
            strong: One::new(dejavu::sans_condensed::bold())?,
            code: One::new(dejavu::sans_mono::regular())?,
        })
    }

    pub(super) fn font(&self, face: Face) -> Font {
        self.of(face).font.clone()
    }

    /// A letter's shape; nothing if the font has none.
    pub(super) fn shape(&self, face: Face, letter: char) -> Option<Shape> {
        let one = self.of(face);
        let glyph = one.letters.map(letter).filter(|glyph| glyph.to_u32() != 0)?;
        Some(Shape { glyph: glyph.to_u32(), width: one.widths.advance_width(glyph)? / one.units })
    }

    fn of(&self, face: Face) -> &One {
        match face {
            Face::Plain => &self.plain,
            Face::Strong => &self.strong,
            Face::Code => &self.code,
        }
    }
}
