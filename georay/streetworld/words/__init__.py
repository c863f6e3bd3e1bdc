"""What a scene says: captions, clues, sentences, questions and their answers."""
