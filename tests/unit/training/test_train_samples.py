import pyarrow.parquet as pq
import pytest
from training_room import write_samples

from georay.errors import TableMismatch
from georay.training.samples import samples_hash, stage_samples


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("data"), 8, 3)


def read(path, stage="reasoning", split="train"):
    return stage_samples((str(path),), stage, split)


def test_a_stage_reads_its_own_samples_of_a_split(path):
    assert read(path).num_rows == 8
    assert read(path, "location", "validation").num_rows == 3
    assert read(path, "location", "test").num_rows == 0
    answers = read(path, "location")["answer"].to_pylist()
    assert all('"city"' in answer and "reasons" not in answer for answer in answers)


def test_neither_files_nor_their_order_decide_what_is_learnt(path, tmp_path):
    table = pq.read_table(path)
    pq.write_table(table.slice(10), tmp_path / "a.parquet")
    pq.write_table(table.slice(0, 10), tmp_path / "b.parquet")
    assert read(tmp_path).equals(read(path))
    assert samples_hash(read(tmp_path)) == samples_hash(read(path))


def test_the_hash_tells_another_answer(path):
    table = read(path)
    answers = ["{}", *table["answer"].to_pylist()[1:]]
    changed = table.set_column(table.column_names.index("answer"), "answer", [answers])
    assert samples_hash(changed) != samples_hash(table)


def test_the_same_samples_twice_are_refused(path):
    with pytest.raises(ValueError, match="more than once"):
        stage_samples((str(path), str(path)), "reasoning", "train")


def test_absent_samples_and_other_tables_are_refused_by_name(path, tmp_path):
    with pytest.raises(ValueError, match=r"gone\.parquet"):
        read(tmp_path / "gone.parquet")
    pq.write_table(pq.read_table(path).drop_columns(["answer"]), tmp_path / "other.parquet")
    with pytest.raises(TableMismatch, match="answer"):
        read(tmp_path / "other.parquet")
