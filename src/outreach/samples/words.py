"""What synthetic clients are made of: names, places, branches and words of a broker's export."""

from typing import Final

SURNAMES: Final = (
    "王李张刘陈杨黄赵周吴" * 6
    + "徐孙朱马胡郭林何高梁郑罗宋谢唐" * 3
    + "韩曹许邓萧冯曾程蔡彭潘袁于董余苏叶吕魏蒋田杜丁沈姜范江傅钟卢汪戴崔任陆廖姚方金邱"
    "夏谭韦贾邹石熊孟秦阎薛侯雷白龙段郝孔邵史毛常万顾赖武康贺严尹钱施牛洪龚"
)
COMPOUND_SURNAMES: Final = (
    "欧阳", "上官", "司马", "诸葛", "司徒", "皇甫", "尉迟", "公孙", "慕容", "长孙", "令狐", "宇文",
)  # fmt: skip

GIVEN: Final = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂辉玲建国文华志红海燕春梅建华晓宁波"
    "涵宇浩然子轩梓萱雨桐欣怡思远嘉诚若曦俊凯泽楷雅琪诗睿博瑞鑫晨曦佳颖慧倩婷云帆亦安"
    "可心景行知夏清和望舒"
)
MINORITY_NAMES: Final = (
    "买买提·艾力", "阿依古丽·吐尔逊", "古丽娜尔·买买提", "艾尼瓦尔·肉孜", "努尔兰·哈布力",
    "迪丽努尔·阿不都热合曼", "扎西·多吉", "尼玛·次仁", "卓玛·央金", "巴特尔·那木尔", "吉克·阿木",
    "沙马·拉且",
)  # fmt: skip
# Hanzi outside GBK: four bytes in GB18030, some of them two units in UTF-16.
RARE_NAMES: Final = ("𠮷野", "䶮明", "㛃宁", "𬭚远", "子䶮", "文㛃", "𬍛然", "小𠮷", "㵾", "㬎华")
LATIN_GIVEN: Final = (
    "James", "Mary", "John", "Patricia", "Robert", "Jennifer", "Michael", "Linda", "David",
    "Elizabeth", "William", "Susan", "Thomas", "Sarah", "Anne-Marie", "José", "Zoë", "Siobhán",
)  # fmt: skip
LATIN_FAMILY: Final = (
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Miller", "Davis", "Wilson", "O'Neill",
    "Taylor", "Nguyen", "Müller", "García", "Campbell", "MacDonald", "van den Berg", "St. Clair",
)  # fmt: skip
HONG_KONG_NAMES: Final = (
    "CHAN Tai Man", "WONG Siu Ling", "LEE Ka Yan", "CHEUNG Chi Keung", "LAU Wing Sze",
    "NG Pui Shan", "HO Kwok Wai", "KWOK Mei Fong", "TSANG Hiu Tung", "AU YEUNG Kin Ming",
)  # fmt: skip
SYLLABLES: Final = (
    "wang", "li", "zhang", "liu", "chen", "yang", "huang", "zhao", "zhou", "wu", "xu", "sun",
    "wei", "min", "jing", "lei", "yan", "jie", "tao", "ming", "xia", "ping", "hua", "yu", "lan",
)  # fmt: skip
FIRM_WORDS: Final = ("云岭", "恒远", "嘉禾", "瑞丰", "东湖", "启明", "海润", "长青", "正和", "天成")
FIRM_TRADES: Final = ("贸易", "实业", "信息技术", "医药", "新材料", "投资管理", "物流", "机械")
PRODUCT_WORDS: Final = ("稳进", "价值成长", "量化对冲", "固收增强", "丰收", "远航")

BRANCHES: Final = (
    ("上海浦东南路营业部", 14), ("北京金融街营业部", 12), ("深圳福华路营业部", 12),
    ("广州珠江新城营业部", 9),
    ("杭州庆春路营业部", 8), ("南京中山东路营业部", 7), ("成都人民南路营业部", 7),
    ("武汉中南路营业部", 6),
    ("苏州星海街营业部", 5), ("西安高新路营业部", 5), ("重庆民族路营业部", 5),
    ("长沙芙蓉路营业部", 4),
    ("天津友谊路营业部", 4), ("青岛香港中路营业部", 4), ("宁波中山西路营业部", 3),
    ("厦门湖滨南路营业部", 3),
    ("福州五四路营业部", 3), ("合肥长江路营业部", 3), ("郑州农业路营业部", 3),
    ("沈阳青年大街营业部", 3),
    ("大连人民路营业部", 2), ("济南经十路营业部", 2), ("昆明北京路营业部", 2),
    ("南宁民族大道营业部", 2),
    ("乌鲁木齐友好路营业部", 1), ("拉萨北京中路营业部", 1), ("呼和浩特新华大街营业部", 1),
    ("海口国贸路营业部", 1),
)  # fmt: skip
ADVISERS: Final = tuple(
    family + given
    for family in "周林何郑沈韩冯董叶苏魏姜"
    for given in ("晓东", "丽华", "建平", "雨晴", "志远", "欣然", "海涛", "思琪", "文博", "静怡")
)
PERMISSIONS: Final = (
    ("", 40), ("创业板", 26), ("创业板;科创板", 10), ("港股通", 4), ("创业板;港股通", 5),
    ("创业板;科创板;港股通", 5), ("融资融券;创业板", 4), ("融资融券;创业板;科创板", 3),
    ("融资融券;创业板;科创板;港股通", 2), ("创业板;科创板;港股通;融资融券;期权;北交所", 1),
)  # fmt: skip
TOPICS: Final = (
    ("", 45), ("宏观", 8), ("固收", 6), ("科技", 9), ("医药", 6), ("消费", 6), ("新能源", 5),
    ("宏观;固收", 4), ("科技;新能源", 4), ("海外;港股", 3), ("ETF", 3), ("宏观;科技;海外", 1),
)  # fmt: skip
