//! Parquet bytes to columns, one row group at a time.
//!
//! Reads what [`super::writer`] writes. Columns that are not asked for are skipped; one that is missing or has
//! another type is an error. The Parquet crate may panic on a damaged file: that is an error here.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use thiserror::Error;

/// A table cannot be read.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file cannot be opened.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no Parquet file, or damaged.
    #[error("it is damaged, or no Parquet file: {0}")]
    Parquet(#[from] ParquetError),
    /// It has other columns than ours.
    #[error("column `{column}` {problem}: the folder was written by another version")]
    Column {
        /// Its name.
        column: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A value makes no sense.
    #[error("row {row}: {problem}")]
    Value {
        /// Row in the file, from 0.
        row: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Values of a column, null where there is none.
enum Values {
    U64(Vec<Option<u64>>),
    Bool(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Other,
}

/// Some rows of a table.
pub struct Group {
    /// Row in the file of the first of them.
    pub first: usize,
    /// How many.
    pub rows: usize,
    columns: BTreeMap<String, Values>,
}

impl Group {
    fn column(&self, name: &str) -> Result<&Values, TableError> {
        let missing = || TableError::Column { column: name.to_owned(), problem: "is missing" };
        self.columns.get(name).ok_or_else(missing)
    }

    fn wrong(name: &str) -> TableError {
        TableError::Column { column: name.to_owned(), problem: "has another type" }
    }

    /// A column of whole numbers that may be null.
    ///
    /// # Errors
    /// There is no such column.
    pub fn numbers(&self, name: &str) -> Result<&[Option<u64>], TableError> {
        match self.column(name)? {
            Values::U64(values) => Ok(values),
            _ => Err(Self::wrong(name)),
        }
    }

    /// A column of whole numbers without null.
    ///
    /// # Errors
    /// There is no such column, or a value is null.
    pub fn whole(&self, name: &str) -> Result<Vec<u64>, TableError> {
        self.all(name, self.numbers(name)?.iter().copied())
    }

    /// A column of truths without null.
    ///
    /// # Errors
    /// As [`Group::whole`].
    pub fn truths(&self, name: &str) -> Result<Vec<bool>, TableError> {
        self.all(name, self.maybe_truths(name)?.iter().copied())
    }

    /// A column of truths that may be null.
    ///
    /// # Errors
    /// As [`Group::numbers`].
    pub fn maybe_truths(&self, name: &str) -> Result<&[Option<bool>], TableError> {
        match self.column(name)? {
            Values::Bool(values) => Ok(values),
            _ => Err(Self::wrong(name)),
        }
    }

    /// A column of texts that may be null.
    ///
    /// # Errors
    /// As [`Group::numbers`].
    pub fn texts(&self, name: &str) -> Result<&[Option<String>], TableError> {
        match self.column(name)? {
            Values::Text(values) => Ok(values),
            _ => Err(Self::wrong(name)),
        }
    }

    fn all<T>(&self, name: &str, values: impl Iterator<Item = Option<T>>) -> Result<Vec<T>, TableError> {
        let at = |(row, value): (usize, Option<T>)| {
            value.ok_or_else(|| self.value(row, format!("`{name}` has no value")))
        };
        values.enumerate().map(at).collect()
    }

    /// A value of a row makes no sense.
    pub fn value(&self, row: usize, problem: impl Into<String>) -> TableError {
        TableError::Value { row: self.first + row, problem: problem.into() }
    }
}

/// Reads a file, group by group in its order.
///
/// # Errors
/// [`TableError`], or what `take` says.
pub fn read(path: &Path, mut take: impl FnMut(&Group) -> Result<(), TableError>) -> Result<(), TableError> {
    let file = File::open(path)?;
    let guarded = catch_unwind(AssertUnwindSafe(|| {
        let reader = SerializedFileReader::new(file)?;
        let mut first = 0;
        for index in 0..reader.num_row_groups() {
            let group = group(&*reader.get_row_group(index)?, first)?;
            first += group.rows;
            take(&group)?;
        }
        Ok(())
    }));
    let damaged = || TableError::Parquet(ParquetError::General("the reader gave up".to_owned()));
    guarded.unwrap_or_else(|_| Err(damaged()))
}

fn group(reader: &dyn RowGroupReader, first: usize) -> Result<Group, TableError> {
    let rows = usize::try_from(reader.metadata().num_rows())
        .map_err(|_| ParquetError::General("a negative number of rows".to_owned()))?;
    let mut columns = BTreeMap::new();
    for index in 0..reader.num_columns() {
        let name = reader.metadata().column(index).column_descr().name().to_owned();
        let values = match reader.get_column_reader(index)? {
            ColumnReader::Int64ColumnReader(column) => {
                Values::U64(cells(column, rows, |v| Ok(v.cast_unsigned()))?)
            }
            ColumnReader::BoolColumnReader(column) => Values::Bool(cells(column, rows, Ok)?),
            ColumnReader::ByteArrayColumnReader(column) => {
                Values::Text(cells(column, rows, |v| Ok(v.as_utf8()?.to_owned()))?)
            }
            _ => Values::Other,
        };
        columns.insert(name, values);
    }
    Ok(Group { first, rows, columns })
}

/// All cells of a column.
fn cells<D: DataType, T>(
    mut column: ColumnReaderImpl<D>,
    rows: usize,
    make: impl Fn(D::T) -> Result<T, ParquetError>,
) -> Result<Vec<Option<T>>, TableError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, ..) = column.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::EOF(format!("{read} of {rows} rows")).into());
        }
        read += records;
    }
    let mut values = values.into_iter();
    if levels.is_empty() {
        // A column without null has no levels.
        return values.map(|v| Ok(Some(make(v)?))).collect();
    }
    let cell = |level: i16| if level > 0 { values.next().map(&make).transpose() } else { Ok(None) };
    Ok(levels.into_iter().map(cell).collect::<Result<_, _>>()?)
}
