//! Area of the marching-cubes surface within one cell of eight voxels, for each of the 256 cases.
//!
//! Lorensen and Cline's cases (SIGGRAPH 1987): surfaces run through the middles of the cell's edges and
//! part the fewer corners from the others, also where two corners face each other across a side. A polygon
//! that is not flat is divided as in the published tables, into the triangles of largest area.

/// Corner `k` lies at (z, y, x) = the bits 4, 2, 1 of `k`.
fn corner(k: usize) -> [i32; 3] {
    [k >> 2 & 1, k >> 1 & 1, k & 1].map(|b| b as i32)
}

/// A point of the surface in half voxels from corner 0.
type Point = [i32; 3];

/// Area of the surface in every case (bit `k` set: corner `k` belongs to the phase), for voxels of
/// size `voxel`.
pub(super) fn areas(voxel: [f64; 3]) -> Vec<f64> {
    let case = |case: usize| polygons(case).iter().map(|p| area(p, voxel)).sum();
    (0..256).map(case).collect()
}

/// The closed polygons of a case.
fn polygons(case: usize) -> Vec<Vec<Point>> {
    let case = if case.count_ones() > 4 { 255 - case } else { case };
    let mut next: Vec<(Point, Point)> = (0..6).flat_map(|side| segments(case, side)).collect();
    let mut polygons = Vec::new();
    while let Some((first, mut at)) = next.pop() {
        let mut polygon = vec![first];
        while let Some(i) = next.iter().position(|(from, _)| *from == at) {
            polygon.push(at);
            at = next.swap_remove(i).1;
        }
        polygons.push(polygon);
    }
    polygons
}

/// Where the surface cuts a side of the cell: segments around the corners inside, with these on the left.
fn segments(case: usize, side: usize) -> Vec<(Point, Point)> {
    let (axis, far) = (side / 2, side % 2);
    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
    let mut ring = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(a, b)| {
        let mut bits = [0; 3];
        (bits[axis], bits[u], bits[v]) = (far, a, b);
        bits[0] << 2 | bits[1] << 1 | bits[2]
    });
    if far == 0 {
        ring.reverse();
    }
    let inside = |i: usize| case >> ring[i % 4] & 1 == 1;
    let middle = |i: usize| -> Point {
        let (a, b) = (corner(ring[i % 4]), corner(ring[(i + 1) % 4]));
        [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
    };
    let leaving = (0..4).filter(|i| inside(*i) && !inside(i + 1));
    // Back along the run of corners inside to the edge by which the ring entered it.
    let entering = |i: usize| (1..4).map(|back| i + 4 - back).find(|i| !inside(*i));
    leaving.filter_map(|i| entering(i).map(|e| (middle(i), middle(e)))).collect()
}

/// Area of a polygon, divided as its unit cell's is.
fn area(polygon: &[Point], voxel: [f64; 3]) -> f64 {
    let triangles = division(polygon, 0, polygon.len() - 1);
    triangles.1.iter().map(|t| triangle(t.map(|i| polygon[i]), voxel)).sum()
}

/// The division of the points `from..=to` into triangles that has the largest area in a cubic cell.
fn division(polygon: &[Point], from: usize, to: usize) -> (f64, Vec<[usize; 3]>) {
    let mut best = (0.0, Vec::new());
    for middle in from + 1..to {
        let (left, right) = (division(polygon, from, middle), division(polygon, middle, to));
        let here = [from, middle, to];
        let area = left.0 + right.0 + triangle(here.map(|i| polygon[i]), [1.0; 3]);
        if area > best.0 {
            best = (area, [left.1, right.1, vec![here]].concat());
        }
    }
    best
}

fn triangle([a, b, c]: [Point; 3], voxel: [f64; 3]) -> f64 {
    let edge = |p: Point| [0, 1, 2].map(|i| f64::from(p[i] - a[i]) * voxel[i] / 2.0);
    let (u, v) = (edge(b), edge(c));
    let cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    cross.iter().map(|c| c * c).sum::<f64>().sqrt() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(case: usize) -> f64 {
        areas([1.0; 3])[case]
    }

    #[test]
    fn known_cases() {
        let corner = 3_f64.sqrt() / 8.0;
        for (case, expected) in [
            (0, 0.0),
            (255, 0.0),
            (0b1, corner),
            (0b11, 0.5_f64.sqrt()),
            (0b1111, 1.0),
            (0b110, 2.0 * corner),
            (0b1_1000, 2.0 * corner),
            (0b110_1001, 4.0 * corner),
            (0b1_0111, 6.0 * corner),
        ] {
            assert!((unit(case) - expected).abs() < 1e-12, "{case:b}: {} and not {expected}", unit(case));
        }
        // scikit-image's marching_cubes, for the polygons that are not flat
        assert!((unit(0b111) - 1.1495).abs() < 1e-4);
        assert!((unit(0b1_1011) - 1.5731).abs() < 1e-4);
    }

    #[test]
    fn both_sides_of_a_surface_have_one_area() {
        let areas = areas([1.0, 2.0, 0.5]);
        for case in 0..256 {
            assert!((areas[case] - areas[255 - case]).abs() < 1e-12, "{case:b}");
        }
    }

    #[test]
    fn an_axis_that_is_stretched_stretches_what_lies_along_it() {
        let areas = areas([3.0, 1.0, 1.0]);
        assert!((areas[0b1111] - 1.0).abs() < 1e-12, "a face across Z");
        assert!((areas[0b0011_0011] - 3.0).abs() < 1e-12, "a face across Y");
        assert!((areas[0b0101_0101] - 3.0).abs() < 1e-12, "a face across X");
    }
}
