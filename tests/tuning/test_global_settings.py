import keras

from dlkit.tuning.global_settings import clear_session, read_settings, restore_settings


def test_settings_outlive_a_session():
    before = read_settings()
    everywhere = keras.distribution.DataParallel()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        keras.distribution.set_distribution(everywhere)
        keras.config.disable_interactive_logging()
        keras.config.disable_traceback_filtering()
        clear_session()
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        assert keras.distribution.distribution() is everywhere
        assert not keras.config.is_interactive_logging_enabled()
        assert not keras.config.is_traceback_filtering_enabled()
    finally:
        restore_settings(before)
    assert keras.config.dtype_policy().name == "float32"
    assert keras.distribution.distribution() is None
    assert keras.config.is_interactive_logging_enabled()
