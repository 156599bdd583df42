//! Choice: which of the pictures that an element offers does Chromium take on this screen?
//!
//! HTML, "selecting an image source" and "parse a sizes attribute", leave the choice among densities to the browser;
//! Chromium's is that of `html_srcset_parser.cc`: the nearest density from below or above by geometric mean.

use super::Screen;
use super::media::{holds, length, split};

/// The URL that is taken from `src`, `srcset` and `sizes`.
pub(super) fn choose<'a>(
    src: Option<&'a str>,
    srcset: &'a str,
    sizes: &str,
    screen: Screen,
) -> Option<&'a str> {
    let mut candidates: Vec<(f64, &str)> = Vec::new();
    let mut has_width = false;
    for (url, descriptor) in candidates_of(srcset) {
        let Some(density) = density(descriptor, sizes, screen) else {
            continue;
        };
        has_width |= descriptor.ends_with('w');
        candidates.push((density, url));
    }
    // "If child has a src attribute whose value is not the empty string and source set does not contain an image
    // source with a density descriptor value of 1, and no image source with a width descriptor"
    let has_one = candidates.iter().any(|(density, _)| *density == 1.0);
    if let Some(src) = src.filter(|src| !src.trim().is_empty() && !has_width && !has_one) {
        candidates.push((1.0, src));
    }
    // Of two with one density the first counts: the sort is stable.
    candidates.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    candidates.dedup_by(|later, first| later.0 == first.0);
    let mut taken = 0;
    while taken + 1 < candidates.len() {
        let (density, next) = (candidates[taken].0, candidates[taken + 1].0);
        if next < screen.density {
            taken += 1;
            continue;
        }
        let mean = (density * next).sqrt();
        let short = screen.density <= 1.0 && screen.density > density;
        if short || screen.density >= mean {
            taken += 1;
        }
        break;
    }
    candidates.get(taken).map(|(_, url)| *url)
}

/// The URLs of a `srcset` with the first descriptor of each, which may be empty.
fn candidates_of(srcset: &str) -> impl Iterator<Item = (&str, &str)> {
    let start = srcset.as_ptr() as usize;
    crate::srcset::srcset(srcset).map(move |url| {
        let end = url.as_ptr() as usize - start + url.len();
        let rest = srcset.get(end..).unwrap_or_default();
        let descriptors = rest.split(',').next().unwrap_or_default();
        let words = descriptors.split_ascii_whitespace();
        (
            url,
            words
                .into_iter()
                .find(|word| !word.ends_with('h'))
                .unwrap_or_default(),
        )
    })
}

/// Picture pixels for each CSS pixel; `None` where the candidate is spoiled.
fn density(descriptor: &str, sizes: &str, screen: Screen) -> Option<f64> {
    if descriptor.is_empty() {
        return Some(1.0);
    }
    if let Some(density) = descriptor.strip_suffix('x') {
        return density.parse().ok().filter(|density| *density > 0.0);
    }
    let width: f64 = descriptor.strip_suffix('w')?.parse().ok()?;
    let shown = shown_width(sizes, screen);
    Some(if shown > 0.0 { width / shown } else { f64::MAX })
}

/// CSS pixels, by the first of `sizes` whose condition holds; `100vw` by default.
fn shown_width(sizes: &str, screen: Screen) -> f64 {
    for size in split(sizes, ',') {
        let size = size.trim();
        // The length is the last word, or the last function.
        let at = match size.ends_with(')') {
            true => size.rfind("calc(").or_else(|| size.rfind("min(")),
            false => Some(size.rfind(char::is_whitespace).map_or(0, |at| at + 1)),
        };
        let Some((condition, value)) = at.and_then(|at| size.split_at_checked(at)) else {
            continue;
        };
        if holds(condition, screen)
            && let Some(width) = width(value, screen)
        {
            return width;
        }
    }
    f64::from(screen.width)
}

/// A length, or a sum of lengths in `calc()`; `None` of what is not understood, as the next size is then taken.
fn width(value: &str, screen: Screen) -> Option<f64> {
    let Some(sum) = value
        .strip_prefix("calc(")
        .and_then(|rest| rest.strip_suffix(')'))
    else {
        return length(value, Some(screen));
    };
    let mut words = sum.split_ascii_whitespace();
    let mut total = length(words.next()?, Some(screen))?;
    while let Some(operator) = words.next() {
        let value = words.next()?;
        total = match operator {
            "+" => total + length(value, Some(screen))?,
            "-" => total - length(value, Some(screen))?,
            "*" => total * value.parse::<f64>().ok()?,
            "/" => total / value.parse::<f64>().ok().filter(|by| *by != 0.0)?,
            _ => return None,
        };
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(src: Option<&str>, srcset: &str, sizes: &str, density: f64, expected: Option<&str>) {
        let screen = Screen {
            density,
            ..Screen::default()
        };
        assert_eq!(
            choose(src, srcset, sizes, screen),
            expected,
            "{srcset} at {density}"
        );
    }

    #[test]
    fn the_density_nearest_to_the_screen_is_taken() {
        check(Some("s"), "", "", 1.0, Some("s"));
        check(Some("s"), "a 2x", "", 1.0, Some("s"));
        check(Some("s"), "a 2x", "", 2.0, Some("a"));
        check(Some("s"), "a 1x, b 2x", "", 1.0, Some("a"));
        // By geometric mean: 1.4 is below the root of 2, 1.5 above.
        check(None, "a 1x, b 2x", "", 1.4, Some("a"));
        check(None, "a 1x, b 2x", "", 1.5, Some("b"));
        check(None, "a 1x, b 2x, c 4x", "", 9.0, Some("c"));
        check(None, "", "", 1.0, None);
    }

    #[test]
    fn widths_are_measured_by_the_sizes_and_the_screen() {
        let srcset = "a 400w, b 800w, c 1600w";
        check(Some("s"), srcset, "", 1.0, Some("c"));
        check(None, srcset, "50vw", 1.0, Some("b"));
        check(None, srcset, "50vw", 2.0, Some("c"));
        check(
            None,
            srcset,
            "(max-width: 600px) 100vw, 400px",
            1.0,
            Some("a"),
        );
        check(
            None,
            srcset,
            "(min-width: 600px) calc(100vw - 480px), 10px",
            1.0,
            Some("b"),
        );
        check(None, srcset, "calc(100vw * 0.25)", 1.0, Some("a"));
    }

    #[test]
    fn a_spoiled_candidate_is_passed_over() {
        check(None, "a 0x, b foo, c -1x, d", "", 1.0, Some("d"));
    }
}
