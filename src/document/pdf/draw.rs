//! Laid pages drawn into a PDF file.

use jiff::Timestamp;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::luma;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::destination::{Destination, XyzDestination};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::{Page, PageSettings};
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document as Pdf, SerializeSettings};

use crate::document::letters::visible;
use crate::document::{Document, Text};

use super::flow::{Laid, Mark, PAGE, SIDE, WIDE};
use super::fonts::{Face, Fonts};
use super::lines::{Line, Run, Setting, lines};
use super::{PdfError, unsound};

/// The size of the foot.
const FOOT: f32 = 7.0;
/// Where its base lies.
const FOOT_AT: f32 = PAGE.1 - 28.0;

pub(super) fn drawn(document: &Document, fonts: &Fonts, laid: &Laid) -> Result<Vec<u8>, PdfError> {
    let form = ConfigurationBuilder::new().with_archival_validator(Archival::A2_U).finish();
    let configuration = form.map_err(|error| unsound(format!("{error:?}")))?;
    let mut pdf =
        Pdf::new_with(SerializeSettings { configuration, enable_tagging: false, ..Default::default() });
    let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| unsound("the page has no size"))?;
    for (place, marks) in laid.pages.iter().enumerate() {
        let mut page = pdf.start_page_with(settings.clone());
        let mut surface = page.surface();
        for mark in marks {
            self::mark(&mut surface, fonts, mark);
        }
        foot(&mut surface, fonts, document, (place + 1, laid.pages.len()));
        surface.finish();
        links(&mut page, laid, marks);
        page.finish();
    }
    pdf.set_outline(outline(laid));
    pdf.set_metadata(metadata(document));
    pdf.finish().map_err(|error| unsound(format!("{error:?}")))
}

fn mark(surface: &mut Surface<'_>, fonts: &Fonts, mark: &Mark) {
    match mark {
        Mark::Words { x, y, size, line } => words(surface, fonts, (*x, *y), *size, line),
        Mark::Rule { x, y, wide, thick, grey } => {
            area(surface, (*x, *y - thick / 2.0), (*wide, *thick), *grey)
        }
        Mark::Area { x, y, wide, high, grey } => area(surface, (*x, *y), (*wide, *high), *grey),
    }
}

fn area(surface: &mut Surface<'_>, (x, y): (f32, f32), (wide, high): (f32, f32), grey: u8) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x, y, wide, high) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        ink(surface, grey);
        surface.draw_path(&path);
    }
}

fn words(surface: &mut Surface<'_>, fonts: &Fonts, (mut x, y): (f32, f32), size: f32, line: &Line) {
    ink(surface, 15);
    for run in line {
        surface.draw_glyphs(
            Point::from_xy(x, y),
            &glyphs(run),
            fonts.font(run.face),
            &run.words,
            size,
            false,
        );
        x += run.width() * size;
    }
}

fn glyphs(run: &Run) -> Vec<KrillaGlyph> {
    run.words
        .char_indices()
        .zip(&run.shapes)
        .map(|((at, letter), shape)| {
            let range = at..at + letter.len_utf8();
            KrillaGlyph::new(GlyphId::new(shape.glyph), shape.width, 0.0, 0.0, 0.0, range, None)
        })
        .collect()
}

fn ink(surface: &mut Surface<'_>, grey: u8) {
    let paint = luma::Color::new(grey).into();
    surface.set_fill(Some(Fill { paint, opacity: NormalizedF32::ONE, rule: Default::default() }));
}

/// What it is at the left, which page of how many at the right.
fn foot(surface: &mut Surface<'_>, fonts: &Fonts, document: &Document, (page, of): (usize, usize)) {
    area(surface, (SIDE, FOOT_AT - FOOT - 4.0), (WIDE, 0.4), 120);
    let setting = Setting { face: Face::Plain, size: FOOT, width: WIDE - 60.0 };
    if let Some(line) = lines(fonts, &Text::new(&document.foot), setting).first() {
        words(surface, fonts, (SIDE, FOOT_AT), FOOT, line);
    }
    if let Some(line) = lines(fonts, &Text::new(format!("{page} of {of}")), setting).first() {
        let wide: f32 = line.iter().map(Run::width).sum::<f32>() * FOOT;
        words(surface, fonts, (SIDE + WIDE - wide, FOOT_AT), FOOT, line);
    }
}

/// Links to headings; those that lead nowhere stay words.
fn links(page: &mut Page<'_>, laid: &Laid, marks: &[Mark]) {
    let places = laid.places();
    for mark in marks {
        let Mark::Words { x, y, size, line } = mark else { continue };
        let mut left = *x;
        for run in line {
            let wide = run.width() * size;
            let to = run.place.as_ref().and_then(|anchor| places.get(anchor.as_str()));
            let rect = Rect::from_xywh(left, y - size, wide, size * 1.25);
            if let (Some((at, top)), Some(rect)) = (to, rect) {
                let place = XyzDestination::new(*at, Point::from_xy(SIDE, *top));
                let link = LinkAnnotation::new(rect, Target::Destination(Destination::Xyz(place)));
                page.add_annotation(Annotation::new_link(link, Some(run.words.clone())));
            }
            left += wide;
        }
    }
}

/// Sections, with their parts below them.
fn outline(laid: &Laid) -> Outline {
    let mut nodes: Vec<OutlineNode> = Vec::new();
    for (heading, page, y) in &laid.headings {
        let place = XyzDestination::new(*page, Point::from_xy(SIDE, *y));
        let words: String = visible(&heading.words).chars().take(HEADING_SHOWN_MAX).collect();
        let node = OutlineNode::new(words, place);
        match nodes.last_mut().filter(|_| heading.level > 2) {
            Some(section) => section.push_child(node),
            None => nodes.push(node),
        }
    }
    let mut outline = Outline::new();
    for node in nodes {
        outline.push_child(node);
    }
    outline
}

/// Letters of a heading in the outline; readers show no more, and archives take no text without end.
const HEADING_SHOWN_MAX: usize = 200;

fn metadata(document: &Document) -> Metadata {
    let shown = |text: &str| visible(text).chars().take(HEADING_SHOWN_MAX).collect::<String>();
    Metadata::new()
        .title(shown(&document.title))
        .authors(vec![shown(&document.author)])
        .creator(shown(&document.producer))
        .producer(shown(&document.producer))
        .language("en".to_owned())
        .document_id(shown(&document.identity))
        .creation_date(date(document))
}

fn date(document: &Document) -> DateTime {
    let at = Timestamp::from_millisecond(document.made_at.as_millis()).unwrap_or_default();
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    let small = |number: i8| number.unsigned_abs();
    DateTime::new(at.year().unsigned_abs())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
