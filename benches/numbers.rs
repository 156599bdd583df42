//! What the benchmarks that drive a browser share: settings in, medians out.

/// The numbers of an environment variable, `1,2,3`.
pub(crate) fn setting(name: &str, default: &str) -> Vec<usize> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',')
        .map(|part| {
            part.trim()
                .parse()
                .unwrap_or_else(|_| panic!("`{name}` is no list of numbers"))
        })
        .collect()
}

/// The middle of the numbers, or the mean of the two that share it; none of no numbers.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        1 => Some(numbers[middle]),
        _ if numbers.is_empty() => None,
        _ => Some((numbers[middle - 1] + numbers[middle]) / 2.0),
    }
}
