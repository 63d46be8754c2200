"""The published files of the named sets: their size, their sha256, and where their bytes are public.

Most addresses name a commit, so that what lies there does not change. A file without an address has
no public copy of the same bytes: it was packed, or cut to a subset, for `DLKIT_DATA`.
"""

from __future__ import annotations

from typing import NamedTuple


class PublishedFile(NamedTuple):
    """What a published file is known by.

    Attributes:
        size: Its bytes.
        sha256: Its checksum, in hexadecimal digits.
        url: Where the very bytes can be downloaded, or `None`.
    """

    size: int
    sha256: str
    url: str | None = None


_RAW = "https://raw.githubusercontent.com/"
_AG_NEWS = f"{_RAW}mhjabreel/CharCnn_Keras/master/data/ag_news_csv/"
_BROWNLEE = f"{_RAW}jbrownlee/Datasets/master/"
_GOOGLE = "https://storage.googleapis.com/"
_MULTI30K = f"{_RAW}multi30k/dataset/c9be912dc05a3ebf9ae5bb5f7f58c1791cda43ab/data/task1/raw/"
_PLANETOID = f"{_RAW}kimiyoung/planetoid/af6abf468a772cc055bec88c52e4d6f51b7c37e3/"
_POLARITY = f"{_RAW}dennybritz/cnn-text-classification-tf/a0d0e9742b3dc42194955e78858f7be93027c75e/data/rt-polaritydata/"
_UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases/auto-mpg/"

_KERAS = f"{_GOOGLE}tensorflow/tf-keras-datasets/"

# A row a file, which stays readable only as one.
# fmt: off
# ruff: noqa: E501
FILES = {
    "audio/free-spoken-digit-dataset.zip": PublishedFile(16_319_411, "072782ea79486d5be9c97af449ddcbe86af3420cbd9a87457cec3ecfb1f30993"),
    "detection/BCCD.zip": PublishedFile(7_868_951, "3bca1a6775ff76f08a125abbe03ded560f77bb6e866adc658a14451ae3b1a6c3"),
    "graph/cora.npz": PublishedFile(117_133, "8587761f63ef41ed8b203e14491a7ad3ada87b3f28014c4692d5cd171daee6a9"),
    "graph/planetoid/LICENSE": PublishedFile(1_076, "8eeeea48c8b4bc197ad1d7ab01143ac43d52053e560b175bca7ca722c4047234", f"{_PLANETOID}LICENSE"),
    "graph/planetoid/ind.cora.allx": PublishedFile(257_305, "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543", f"{_PLANETOID}data/ind.cora.allx"),
    "graph/planetoid/ind.cora.ally": PublishedFile(47_959, "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71", f"{_PLANETOID}data/ind.cora.ally"),
    "graph/planetoid/ind.cora.graph": PublishedFile(59_847, "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d", f"{_PLANETOID}data/ind.cora.graph"),
    "graph/planetoid/ind.cora.test.index": PublishedFile(5_000, "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875", f"{_PLANETOID}data/ind.cora.test.index"),
    "graph/planetoid/ind.cora.tx": PublishedFile(148_025, "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a", f"{_PLANETOID}data/ind.cora.tx"),
    "graph/planetoid/ind.cora.ty": PublishedFile(28_135, "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad", f"{_PLANETOID}data/ind.cora.ty"),
    "graph/planetoid/ind.cora.x": PublishedFile(22_119, "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab", f"{_PLANETOID}data/ind.cora.x"),
    "graph/planetoid/ind.cora.y": PublishedFile(4_054, "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1", f"{_PLANETOID}data/ind.cora.y"),
    "images/cifar10_jpg_subset.zip": PublishedFile(12_632_855, "44fc4ab950cbfb255abe62b59ea94c3a6b0e8edae67aefa45de2e2ab556c1e03"),
    "images/flower_photos_192.zip": PublishedFile(10_124_907, "ce2806ba004278c0731a1cc2219c05806ee9eda2d05335c50dc88f8bb30dd6b2"),
    "recommendation/ml-latest-small.zip": PublishedFile(977_925, "474079253e586e6fe4ee823467654524a23aaaba5f67b5bcc1cb8701d6236556"),
    "tabular/adult-test.csv.gz": PublishedFile(205_487, "d16c978b95fe8ecec94dec57782a85ed9720c507d93a4608e8f182a8e6378d4a"),
    "tabular/adult-train.csv.gz": PublishedFile(409_337, "fb9b6b419c38dd70d75d31f014b7f0905bf76e9625473c593455e31679a93184"),
    "tabular/adult.names": PublishedFile(5_229, "c248284c0b5de30c9e1958d6cdd168a34a654758b620e68f46aefa83fc0a576a", f"{_BROWNLEE}adult.names"),
    "tabular/auto-mpg.data": PublishedFile(30_286, "48b830e11feee5572525f8f1691ddb9d38d3d7b7063edcd8fca672c2a5e17d8d", f"{_UCI}auto-mpg.data"),
    "tabular/auto-mpg.names": PublishedFile(1_660, "f6ac336f3b11955d71adee2100faf30f8c1be20e6727476836d437d35804599c"),
    "tabular/boston_housing.csv": PublishedFile(41_295, "2682ca02e83b89467d7d0cdcbde7c0cc4d2566119be8ce8d84dad4f0fa20859a", f"{_BROWNLEE}housing.csv"),
    "tabular/boston_housing.names": PublishedFile(2_080, "e34759df81bce6c916aa2766b2b2d44a88c47d81b322517377714ee5cd64adcf", f"{_BROWNLEE}housing.names"),
    "tabular/california_housing.csv.gz": PublishedFile(395_971, "b2e79251d5497489c09db2cb6b7771e5cb0b1065198c2611c4f2f3c63403d30c"),
    "tabular/creditcard_fraud_subset.csv.gz": PublishedFile(793_874, "690f7bf050f584aebd4ecca7c56023c53b4c7177e8d61411b0a240dbaeedde47"),
    "tabular/mammography.csv": PublishedFile(827_904, "7d3dea3f075f30bbdbb8980e7725684059b4fe3d0f850fadd0f635f6993d8730", f"{_BROWNLEE}mammography.csv"),
    "tabular/mammography.names": PublishedFile(385, "348cefa150239f9bc8d08f164203834284e2290fe962e325e02c66b051b5dd4b", f"{_BROWNLEE}mammography.names"),
    "tabular/penguins.csv": PublishedFile(13_478, "e07636bd8af74260099ea2f8678e2eabbf35def579940cc76f67061ee16c06c1", f"{_RAW}mwaskom/seaborn-data/8e5f9dfb2473740bfa5ae891ba9780e4c1640ea3/penguins.csv"),
    "tabular/titanic.csv": PublishedFile(60_302, "4a437fde05fe5264e1701a7387ac6fb75393772ba38bb2c9c566405af5af4bd7", f"{_RAW}datasciencedojo/datasets/1101b19008569fab7eec7e3b04d2b68613092607/titanic.csv"),
    "text/aclImdb_small.tar.gz": PublishedFile(6_878_057, "08dd4b3e459084bca6997749608529e7fe0ff3f178572da09bc89ba11388f3ed"),
    "text/ag_news_csv/classes.txt": PublishedFile(31, "612dbfa932f07a6ed837295a7d5746ce7412e7bb4bc32ba919fdb3cda3a1b9b5", f"{_AG_NEWS}classes.txt"),
    "text/ag_news_csv/readme.txt": PublishedFile(1_795, "779c2e6bbf93dd810d9c7b318006daef7a4bfc34062002461d251dc10fb9f58c", f"{_AG_NEWS}readme.txt"),
    "text/ag_news_csv/test.csv": PublishedFile(1_857_427, "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699", f"{_AG_NEWS}test.csv"),
    "text/rt-polaritydata/rt-polarity.neg": PublishedFile(612_506, "2d11cfbc790f1cd96d78339f41ce53ced1efa83cd22d37d6788fa3fe3d17e2fd", f"{_POLARITY}rt-polarity.neg"),
    "text/rt-polaritydata/rt-polarity.pos": PublishedFile(626_395, "4134882974a28d0c7b5151256f0e33a6169984ee7372c279e673f1114f475d58", f"{_POLARITY}rt-polarity.pos"),
    "text/smsspamcollection/SMSSpamCollection": PublishedFile(477_907, "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d"),
    "text/tinyshakespeare/input.txt": PublishedFile(1_115_394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed", f"{_RAW}karpathy/char-rnn/d1d7aa34fdb3626174bce1d753e6cc6845ce7087/data/tinyshakespeare/input.txt"),
    "timeseries/ETTh1.csv.gz": PublishedFile(405_601, "f1141f82f9d46968f05afa77ba16abfc4f790fe07583f9de06bb685b29a5411f"),
    "timeseries/airline-passengers.csv": PublishedFile(2_180, "8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621", f"{_BROWNLEE}airline-passengers.csv"),
    "timeseries/daily-min-temperatures.csv": PublishedFile(67_921, "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da", f"{_BROWNLEE}daily-min-temperatures.csv"),
    "timeseries/household_power_consumption_days.csv": PublishedFile(161_317, "b56ce13238720455bdb0acc1394dbdfc649bc67df8abc9db6fd7cf6a45dbfdab"),
    "timeseries/monthly-sunspots.csv": PublishedFile(45_039, "c4ec8cc57d9f6fb6ecdb3e1f37f25b6f4badd5124c55931052b0cd2fc3bc71f3", f"{_BROWNLEE}monthly-sunspots.csv"),
    "translation/fra-eng.zip": PublishedFile(2_951_390, "16c4f7d0df9e7c5e6c54cdb0447f3f4a18a55052ff5e2e0b27dd4a06c0e49d04"),
    "translation/multi30k/test_2016_flickr.de.gz": PublishedFile(22_890, "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8", f"{_MULTI30K}test_2016_flickr.de.gz"),
    "translation/multi30k/test_2016_flickr.en.gz": PublishedFile(21_077, "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9", f"{_MULTI30K}test_2016_flickr.en.gz"),
    "translation/multi30k/test_2016_flickr.fr.gz": PublishedFile(22_310, "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90", f"{_MULTI30K}test_2016_flickr.fr.gz"),
    "translation/multi30k/train.de.gz": PublishedFile(637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6", f"{_MULTI30K}train.de.gz"),
    "translation/multi30k/train.en.gz": PublishedFile(568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f", f"{_MULTI30K}train.en.gz"),
    "translation/multi30k/train.fr.gz": PublishedFile(604_242, "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c", f"{_MULTI30K}train.fr.gz"),
    "translation/multi30k/val.de.gz": PublishedFile(24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a", f"{_MULTI30K}val.de.gz"),
    "translation/multi30k/val.en.gz": PublishedFile(21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28", f"{_MULTI30K}val.en.gz"),
    "translation/multi30k/val.fr.gz": PublishedFile(23_001, "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9", f"{_MULTI30K}val.fr.gz"),
    "weights/imagenet_class_index.json": PublishedFile(35_363, "a1e7a966a1f601d39e4b43e119b3e7dd4a2ad3ea08cf69847cbaf021013767bc", f"{_GOOGLE}download.tensorflow.org/data/imagenet_class_index.json"),
    "weights/mobilenet_2_5_224_tf.h5": PublishedFile(2_104_520, "b0d43e4963e3ffd7da135199d6060f794273fa6c7c46df49afa5b0f5914bd15c"),
    "weights/mobilenet_2_5_224_tf_no_top.h5": PublishedFile(2_108_140, "dbdb03ee2a22fd895301636cd328b234bb3a9952358f436d82f46b81e0d5b0bf", f"{_GOOGLE}tensorflow/keras-applications/mobilenet/mobilenet_2_5_224_tf_no_top.h5"),
}

# The files of the MNISTs where Keras has them, which DLKIT_DATA may hold in other packings.
MNISTS = {
    "fashion_mnist": {
        "train-images-idx3-ubyte.gz": PublishedFile(26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", f"{_KERAS}train-images-idx3-ubyte.gz"),
        "train-labels-idx1-ubyte.gz": PublishedFile(29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", f"{_KERAS}train-labels-idx1-ubyte.gz"),
        "t10k-images-idx3-ubyte.gz": PublishedFile(4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", f"{_KERAS}t10k-images-idx3-ubyte.gz"),
        "t10k-labels-idx1-ubyte.gz": PublishedFile(5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", f"{_KERAS}t10k-labels-idx1-ubyte.gz"),
    },
    "mnist": {
        "mnist.npz": PublishedFile(11_490_434, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1", f"{_KERAS}mnist.npz"),
    },
}
