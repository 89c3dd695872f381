//! A small SVG plotter: just what the figures need, one concept a file.
//!
//! Output is a pure function of the data: coordinates are rounded to 1/100 of a user unit, and the only
//! transcendental functions are the portable ones in [`scale`]. Colours come from [`theme`] and nowhere
//! else.

pub mod bars;
pub mod canvas;
pub mod line;
pub mod map;
pub mod scale;
pub mod svg;
pub mod table;
pub mod theme;
