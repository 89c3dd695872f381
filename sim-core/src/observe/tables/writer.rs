//! Columns to Parquet bytes, with the crate's low-level column writer.

use super::{Column, Get};
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// Rows in a row group; bounds the memory of writing.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// Writes `rows` as one Parquet file. `rows` is called once; its iterator is read once, in chunks.
pub fn write<R, I: Iterator<Item = R>>(
    sink: &mut (dyn Write + Send),
    columns: &[Column<R>],
    rows: impl FnOnce() -> I,
) -> Result<()> {
    let fields = columns.iter().map(|c| field(c).map(Arc::new)).collect::<Result<Vec<_>>>()?;
    let schema = Arc::new(Type::group_type_builder("row").with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("lightcone".to_owned())
        .build();
    let mut file = SerializedFileWriter::new(sink, schema, Arc::new(properties))?;
    let mut rows = rows();
    loop {
        let chunk: Vec<R> = rows.by_ref().take(ROW_GROUP_ROWS).collect();
        if chunk.is_empty() {
            break;
        }
        let mut group = file.next_row_group()?;
        for column in columns {
            write_column(&mut group, column, &chunk)?;
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

/// Schema of one column.
fn field<R>(column: &Column<R>) -> Result<Type> {
    let (physical, logical) = match column.get {
        Get::U64(_) | Get::OptU64(_) | Get::Nth(..) => {
            (PhysicalType::INT64, Some(LogicalType::integer(64, false)))
        }
        Get::OptF64(_) | Get::NthF64(..) => (PhysicalType::DOUBLE, None),
        Get::OptBool(_) => (PhysicalType::BOOLEAN, None),
        Get::OptText(_) | Get::NthText(..) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let repetition =
        if matches!(column.get, Get::U64(_)) { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    Type::primitive_type_builder(&column.name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()
}

fn write_column<R, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &Column<R>,
    rows: &[R],
) -> Result<()> {
    match column.get {
        Get::U64(f) => {
            let values: Vec<i64> = rows.iter().map(|r| f(r).cast_signed()).collect();
            values_out::<Int64Type, W>(group, &values, None)
        }
        Get::OptU64(f) => optional::<Int64Type, W>(group, rows.iter().map(|r| f(r).map(u64::cast_signed))),
        Get::Nth(f, n) => optional::<Int64Type, W>(group, rows.iter().map(|r| f(r, n).map(u64::cast_signed))),
        Get::OptF64(f) => optional::<DoubleType, W>(group, rows.iter().map(f)),
        Get::NthF64(f, n) => optional::<DoubleType, W>(group, rows.iter().map(|r| f(r, n))),
        Get::NthText(f, n) => optional::<ByteArrayType, W>(
            group,
            rows.iter().map(|r| f(r, n).map(|text| ByteArray::from(text.into_bytes()))),
        ),
        Get::OptBool(f) => optional::<BoolType, W>(group, rows.iter().map(f)),
        Get::OptText(f) => optional::<ByteArrayType, W>(
            group,
            rows.iter().map(|r| f(r).map(|text| ByteArray::from(text.into_bytes()))),
        ),
    }
}

/// Writes values with nulls: present values, and a definition level per row.
fn optional<D: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: impl Iterator<Item = Option<D::T>>,
) -> Result<()> {
    let mut values = Vec::new();
    let mut levels = Vec::new();
    for cell in cells {
        levels.push(i16::from(cell.is_some()));
        values.extend(cell);
    }
    values_out::<D, W>(group, &values, Some(&levels))
}

fn values_out<D: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[D::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<D>().write_batch(values, levels, None)?;
        column.close()?;
    }
    Ok(())
}
