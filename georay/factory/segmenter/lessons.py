"""What a recipe trains on: sources of crops, and the label set of each of their examples."""

from collections.abc import Sequence

from georay.config.segmenter import MaskedPictures, TrainSegmenterRecipe
from georay.factory.segmenter.camvid import Example, read_split
from georay.factory.segmenter.drawn import training_scenes
from georay.factory.segmenter.label_sets import camvid_label_set, drawn_label_set, head_labels
from georay.factory.segmenter.loop import Source
from georay.factory.segmenter.masks import AtWorkingSize, MaskFolder
from georay.factory.segmenter.small import Lesson, balanced_class_weights

_LARGEST_WEIGHT = 4.0
"""Of a class in a set of masks: some sets have a class in one picture alone."""


def lessons_of(recipe: TrainSegmenterRecipe) -> tuple[list[Source], list[Lesson]]:
    """The sources in the order of a batch, and the label sets that their examples count.

    CamVid first where it is trained on, drawn scenes last. Raises ValueError if a folder is not
    as it should be.
    """
    sources: list[Source] = []
    lessons: list[Lesson] = []
    if recipe.camvid is not None:
        source = camvid_source(recipe)
        sources.append(source)
        lessons.append(Lesson(camvid_label_set(), balanced_class_weights(source.examples)))
    for masked in recipe.photographs:
        folders, some = _masked(masked, len(lessons))
        examples = AtWorkingSize(folders)
        sources.append(Source(examples, masked.augmentation, masked.num_crops, masked.weight))
        lessons += some
    if recipe.drawn is not None:
        drawn = recipe.drawn
        scenes = training_scenes(drawn, head_labels(), len(lessons))
        sources.append(Source(scenes, drawn.augmentation, drawn.num_crops, drawn.weight))
        every_fourth = (scenes[index] for index in range(0, len(scenes), 4))
        weights = balanced_class_weights(every_fourth, len(head_labels()))
        lessons.append(Lesson(drawn_label_set(), weights))
    return sources, lessons


def camvid_source(recipe: TrainSegmenterRecipe) -> Source:
    """CamVid's training photographs. Raises ValueError if they are not where the recipe says."""
    assert recipe.camvid is not None
    examples: list[Example] = [
        example for split in recipe.train_splits for example in read_split(recipe.camvid, split)
    ]
    return Source(examples, recipe.augmentation, recipe.num_camvid_crops, recipe.camvid_weight)


def crop_weights(sources: Sequence[Source]) -> list[float]:
    """Each crop's share of a batch's loss; a source's crops share its weight."""
    total = sum(source.weight for source in sources)
    return [
        source.weight / total / source.num_crops
        for source in sources
        for _ in range(source.num_crops)
    ]


def _masked(masked: MaskedPictures, first: int) -> tuple[list[MaskFolder], list[Lesson]]:
    folders = [
        MaskFolder(settings, masked.splits, index=first + at)
        for at, settings in enumerate(masked.sets)
    ]
    lessons = [
        Lesson(one.labels, balanced_class_weights(one, len(one.labels.names), _LARGEST_WEIGHT))
        for one in folders
    ]
    return folders, lessons
