from georay.streetworld.canvas.lettering import lettered


def test_texts_that_never_end_do_not_fill_the_memory():
    for number in range(1_500):
        lettered(f"AB {number}", "latin")
    kept = lettered.cache_info()
    assert kept.maxsize is not None
    assert kept.currsize <= kept.maxsize
