import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.layers import TokenEmbedding

TOKENS = np.array([[1, 1, 1, 2], [1, 2, 2, 0]])


def make():
    x = inputs = keras.Input((4,), dtype="int32")
    embedding = TokenEmbedding(3, 2, embeddings_initializer="ones")
    x = keras.layers.Flatten()(embedding(x))
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(x))


def gradient_by_hand():
    """Of the mean squared error to 0, where each prediction is 8: a place gives 8 to its token."""
    counts = np.array([(token == TOKENS).sum() for token in range(3)])
    return 8.0 * counts[:, np.newaxis].repeat(2, axis=1)


def test_a_token_that_comes_again_has_one_gradient():
    model = make()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(TOKENS)))
    gradient = tape.gradient(loss, model.layers[1].embeddings.value)
    assert not isinstance(gradient, tf.IndexedSlices)
    np.testing.assert_allclose(gradient, gradient_by_hand(), rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_optimizers_take_the_step_that_their_papers_have(optimizer):
    """Adagrad divides by the root of the squared gradient; a norm is cut as a whole."""
    model, gradient = make(), gradient_by_hand()
    made = {
        "adam": keras.optimizers.Adam(0.1, epsilon=0.001**0.5),
        "adagrad": keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-7),
        "sgd": keras.optimizers.SGD(0.1, clipnorm=0.5),
    }[optimizer]
    steps = {
        "adam": 0.1 * gradient / (np.abs(gradient) + 1.0),
        "adagrad": 0.1 * gradient / np.sqrt(gradient**2 + 1e-7),
        "sgd": 0.1 * gradient * 0.5 / np.sqrt((gradient**2).sum()),
    }[optimizer]
    model.compile(made, "mse")
    model.train_on_batch(TOKENS, np.zeros((2, 1)))
    np.testing.assert_allclose(model.layers[1].get_weights()[0], 1 - steps, rtol=1e-4)


def test_it_is_keras_embedding_in_all_else(tmp_path):
    layer, keras_own = TokenEmbedding(5, 3, mask_zero=True), keras.layers.Embedding(5, 3)
    layer.build(), keras_own.build()
    keras_own.set_weights(layer.get_weights())
    tokens = np.array([[4, 0, 2]])
    np.testing.assert_array_equal(layer(tokens), keras_own(tokens))
    np.testing.assert_array_equal(layer.compute_mask(tokens), [[True, False, True]])
    assert TokenEmbedding(5, 3, dtype="mixed_bfloat16")(tokens).dtype == "bfloat16"
    model = make()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(again.layers[1]) is TokenEmbedding
