# Nội dung cảnh báo và phiếu công việc. Mỗi quy tắc có tiêu đề, chi tiết, việc cần làm và căn cứ của ngưỡng.
# Các con số đã được định dạng sẵn: tỷ lệ theo phần trăm, dung lượng kèm đơn vị, thời gian theo khoảng.

filesystem_nearly_full =
    .title = Hệ thống tệp { $part } sắp đầy
    .detail = Đã dùng { $used_share } của { $size_bytes }; chỉ còn trống { $free_bytes }.
    .action = Tìm dữ liệu đang chiếm chỗ trên { $part } (nhật ký cũ, bản sao lưu, thùng rác), xóa hoặc chuyển đi nơi khác; nếu lại đầy thì lên kế hoạch thay ổ đĩa lớn hơn. Chương trình không ghi được nữa có thể làm mất dữ liệu.
    .source = Netdata (disk_space_usage) và Linuxfabrik cảnh báo ở mức đã dùng 90% và 95%; mẫu Linux của Zabbix còn yêu cầu dung lượng trống dưới 10 GB (nghiêm trọng: 5 GB) để ổ đĩa lớn không bị báo nhầm.

filesystem_inodes =
    .title = Hệ thống tệp { $part } sắp hết inode
    .detail = Đã dùng { $used_share } số inode; còn { $free_inodes }. Khi hết inode sẽ không tạo được tệp mới dù vẫn còn dung lượng trống.
    .action = Tìm các thư mục chứa rất nhiều tệp nhỏ (hàng đợi thư, phiên làm việc, bộ nhớ đệm) và dọn dẹp; nếu lặp lại thì lên kế hoạch tạo hệ thống tệp có nhiều inode hơn.
    .source = Netdata (disk_inode_usage): cảnh báo khi vượt 90% cho đến khi xuống dưới 80%, nghiêm trọng khi vượt 98%.

filesystem_read_only =
    .title = Hệ thống tệp { $part } đã chuyển sang chỉ đọc
    .detail = { $part } trước đó ghi được, nay không ghi được nữa. Linux tự chuyển như vậy khi gặp lỗi trên ổ đĩa hoặc trong hệ thống tệp.
    .action = Xem nhật ký nhân hệ điều hành (dmesg) để tìm lỗi ổ đĩa và kiểm tra chỉ số SMART của ổ. Trước hết phải bảo đảm đã có bản sao lưu, sau đó kiểm tra hệ thống tệp và thay ổ đĩa nếu ổ báo lỗi.
    .source = Nhân Linux: hệ thống tệp gắn với tùy chọn errors=remount-ro chuyển sang chỉ đọc khi gặp lỗi (tài liệu ext4); mọi lần chuyển từ ghi được sang chỉ đọc đều được tính.

memory_low =
    .title = Bộ nhớ sắp cạn
    .detail = Đã dùng { $used_share } bộ nhớ; còn { $available_bytes } dùng được mà không phải tráo đổi ra đĩa.
    .action = Tìm chương trình dùng nhiều bộ nhớ nhất, khởi động lại hoặc giới hạn nó; nếu tải như vậy là bình thường thì lên kế hoạch bổ sung bộ nhớ.
    .source = Prometheus node-mixin (NodeMemoryHighUtilization): 90% trong 15 phút; Netdata (ram_available) cảnh báo khi còn dưới 10% và hết cảnh báo khi còn 15%.

swap_pressure =
    .title = Vùng tráo đổi (swap) sắp cạn
    .detail = Đã dùng { $swap_used_share } vùng tráo đổi và { $memory_used_share } bộ nhớ. Khi cả hai đều đầy, hệ điều hành sẽ buộc dừng chương trình.
    .action = Tìm chương trình dùng nhiều bộ nhớ nhất, khởi động lại hoặc giới hạn nó; nếu tải như vậy là bình thường thì lên kế hoạch bổ sung bộ nhớ.
    .source = Netdata (used_swap): cảnh báo khi vượt 90% cho đến khi xuống dưới 80%, nghiêm trọng khi vượt 98%; chỉ tính khi bộ nhớ cũng đang thiếu.

cpu_busy =
    .title = Bộ xử lý bận liên tục
    .detail = Trung bình { $mean_share } thời gian bộ xử lý đã bị chiếm dụng trong suốt khoảng theo dõi.
    .action = Xem chương trình nào chiếm bộ xử lý. Nếu bị treo thì khởi động lại; nếu là công việc cần thiết thì chia ra nhiều giờ trong ngày hoặc lên kế hoạch dùng máy nhanh hơn.
    .source = Prometheus node-mixin (NodeCPUHighUsage) và Zabbix: 90%, trong 15 phút và 5 phút; Netdata (10min_cpu_usage) hết cảnh báo ở mức 75%.

io_wait =
    .title = Bộ xử lý phải chờ ổ đĩa
    .detail = Trung bình { $mean_share } thời gian bộ xử lý dùng để chờ đọc ghi trong suốt khoảng theo dõi.
    .action = Xem chương trình nào đọc ghi nhiều nhất (iotop) và kiểm tra chỉ số SMART của ổ đĩa: ổ sắp hỏng thường trả lời chậm trước khi hỏng hẳn.
    .source = Netdata (10min_cpu_iowait): cảnh báo khi vượt 40% cho đến khi xuống dưới 20%.

temperature =
    .title = { $part } quá nóng
    .detail = Nhiệt độ đo được { $temperature_celsius }; ngưỡng cảnh báo { $limit_celsius }, ngưỡng nghiêm trọng { $limit_critical_celsius }.
    .action = Vệ sinh quạt, lưới lọc bụi và tản nhiệt, kiểm tra mọi quạt đều quay, xem lại phòng máy: điều hòa, khe thông gió bị che, nắng chiếu trực tiếp. Thay keo tản nhiệt nếu bộ xử lý vẫn nóng.
    .source = Giới hạn do chính nhà sản xuất ghi trong thiết bị, nếu có. Nếu không: ổ đĩa 50 và 65 °C (Zabbix, SMART by Zabbix agent 2), bộ xử lý 90 và 100 °C (tài liệu coretemp của Linux: nhiệt độ lớp tiếp giáp tối đa 100 °C).

component_health =
    .title = { $kind ->
        [physical_disk] Ổ đĩa
        [logical_disk] Mảng đĩa
        [disk_controller] Bộ điều khiển đĩa
        [fan] Quạt
        [temperature] Nhiệt độ
        [voltage] Điện áp
        [power_supply] Bộ nguồn
        [battery] Pin
        [memory] Thanh nhớ
        [network] Giao diện mạng
        [ups] Bộ lưu điện
        [cpu] Bộ xử lý
        [service] Dịch vụ
        [enclosure] Thùng máy
       *[other] Bộ phận
    } { $part }: { $state ->
        [failed] đã hỏng
        [predicted_failure] sắp hỏng
        [degraded] suy giảm
        [needs_cleaning] cần vệ sinh
       *[other] không ổn
    }
    .detail = { $state ->
        [failed] Bộ phận này không còn hoạt động.
        [predicted_failure] Tự nó, hoặc các số đo của nó, cho thấy nó sắp hỏng.
        [degraded] Bộ phận này còn chạy nhưng kém hơn mức phải có.
        [needs_cleaning] Bộ phận này còn chạy và cần được vệ sinh.
       *[other] Bộ phận này không ổn.
    }
    .action = { $kind ->
        [physical_disk] Trước hết hãy chắc chắn là có bản sao lưu. Ghi lại số sê-ri, mang ổ đĩa cùng loại, dung lượng không nhỏ hơn, rồi thay.
        [logical_disk] Tìm ổ đĩa mà mảng đã mất, thay ổ ấy và theo dõi cho đến khi mảng dựng lại xong. Trước lúc đó, thêm một lỗi nữa có thể mất dữ liệu.
        [fan] Vệ sinh quạt, xem quạt có quay trơn không; nếu không thì thay.
        [power_supply] Kiểm tra dây và nguồn điện, rồi thay bộ nguồn.
        [battery] Thay pin.
        [ups] Kiểm tra nguồn điện và tải; thay ắc quy nếu được yêu cầu.
        [memory] Ghi lại khe cắm, thay thanh nhớ và kiểm tra bộ nhớ (memtest86+).
        [network] Thay cáp mạng, rồi thử cổng khác; kiểm tra tốc độ và chế độ song công ở cả hai đầu.
        [service] Đọc nhật ký của dịch vụ (journalctl -u, rồi tên dịch vụ) và khởi động lại.
       *[other] Xem các lý do và tài liệu của nhà sản xuất.
    }
    .source = Nhận định của chính bộ phận qua cảm biến: hw.state của OpenTelemetry. Các ngưỡng và nguồn của chúng có trong tài liệu của tác tử. Thời gian chờ dài hơn khi mất điện, dựng lại dữ liệu và nối mạng là lựa chọn của Trạm (ghi trong rules.toml); mẫu của Zabbix lấy trung bình cảm biến trong 5 phút.

component_missing =
    .title = { $kind ->
        [physical_disk] Ổ đĩa
        [logical_disk] Mảng đĩa
        [disk_controller] Bộ điều khiển đĩa
        [power_supply] Bộ nguồn
        [battery] Pin
        [memory] Thanh nhớ
       *[other] Bộ phận
    } { $part } đã biến mất
    .detail = Bộ phận này có mặt từ lâu, nay không còn thấy đã { $gone_s }. Thứ không trả lời nữa thường là đã hỏng; khi mảng đĩa vẫn chạy thì không ai nhận ra.
    .action = { $kind ->
        [physical_disk] Trước hết hãy chắc chắn là có bản sao lưu. Xem ổ đĩa có cắm chặt và cáp có tốt không; nếu ổ không trở lại, mang ổ cùng loại, dung lượng không nhỏ hơn, rồi thay.
        [logical_disk] Xem các ổ của mảng còn đó không và mảng có bị dừng theo ý muốn không; chưa rõ thì đừng ghi gì lên các ổ ấy.
        [power_supply] Xem bộ nguồn có được cắm, lắp chặt và có điện không; nếu không trở lại thì thay.
        [memory] Tắt máy, lắp lại thanh nhớ; nếu không trở lại thì thay.
       *[other] Xem bộ phận có lắp chặt và dây có tốt không; nếu không trở lại thì thay.
    } Nếu nó được tháo ra theo ý muốn thì không cần làm gì: cảnh báo hết khi có bộ phận khác thay vào, hoặc tự hết sau 30 ngày (window trong rules.toml).
    .source = Lựa chọn của Trạm: bộ phận có số sê-ri, có mặt ít nhất một ngày, mất 10 phút mà chưa được thay. Không tính thứ cắm qua USB hoặc tháo rời được, và thứ mà nguồn thông tin không đọc được.

unexpected_reboot =
    .title = Máy khởi động lại mà không được tắt đúng cách
    .detail = Máy khởi động cách đây { $started_ago_s }; lần chạy trước kết thúc mà không có lệnh tắt máy: mất điện, hệ điều hành bị sập hoặc máy bị nhấn nút khởi động lại.
    .action = Hỏi tại chỗ xem có mất điện không. Nếu không, xem nhật ký của lần chạy trước (journalctl -b -1 -e) để tìm nguyên nhân.
    .source = Ghi nhận của chính máy đó: mọi lần chạy kết thúc mà không tắt máy đúng cách đều được tính.

reboots_too_often =
    .title = Máy liên tục khởi động lại mà không được tắt đúng cách
    .detail = { $reboots } lần khởi động lại không qua tắt máy trong { $window_s } vừa qua.
    .action = Đến tận nơi: kiểm tra nguồn điện lưới, bộ lưu điện (UPS) và ắc quy, bộ nguồn và dây cáp, sau đó kiểm tra bộ nhớ (memtest86+) và nhiệt độ.
    .source = Chưa có con số nào được công bố. Đây là lựa chọn của Trạm: 3 lần trong 7 ngày là nhiều hơn những lần mất điện lẻ tẻ; hãy chỉnh trong rules.toml cho phù hợp với lưới điện tại địa phương.

clock_off =
    .title = Đồng hồ của máy bị sai
    .detail = Đồng hồ của máy chạy { $direction ->
        [behind] chậm
       *[ahead] nhanh
    } { $offset_s } so với trung tâm.
    .action = Bật đồng bộ thời gian (NTP) và kiểm tra máy có kết nối được đến máy chủ thời gian không. Nếu đồng hồ lại sai sau mỗi lần mất điện thì thay pin CMOS (thường là CR2032).
    .source = RFC 6238: mật khẩu dùng một lần thay đổi mỗi 30 giây; RFC 4120: Kerberos (miền Windows) từ chối đăng nhập khi đồng hồ lệch quá 5 phút.

network_errors =
    .title = Cổng mạng { $part } có nhiều lỗi truyền
    .detail = Trung bình { $mean_share } số gói tin bị lỗi trong suốt khoảng theo dõi, gần đây { $errors_per_second } lỗi mỗi giây.
    .action = Trước tiên thay dây mạng, sau đó thử cổng khác trên bộ chuyển mạch; kiểm tra tốc độ và chế độ song công ở hai đầu có khớp nhau không. Nếu vẫn lỗi thì thay cạc mạng.
    .source = Prometheus node-mixin (NodeNetworkReceiveErrs): hơn 1% số gói tin trong 1 giờ; Netdata chỉ tính khi có từ 5 lỗi trở lên trong 10 phút.

reachability =
    .title = { $verdict ->
        [lan_down] Mất kết nối mạng nội bộ
        [gateway_down] Cổng ra (gateway) không trả lời
        [dns_broken] Không phân giải được tên miền
        [uplink_down] Mất Internet phía sau cổng ra
        [captive] Trang đăng nhập chặn Internet
        [degraded] Kết nối Internet kém
       *[other] Đường ra Internet bị trục trặc
    }
    .detail = { $verdict ->
        [lan_down] Không có cổng mạng nào của máy vừa có tín hiệu vừa có địa chỉ.
        [gateway_down] Có tín hiệu mạng, nhưng cổng ra và mọi thứ phía sau đều không trả lời.
        [dns_broken] Các địa chỉ trên Internet vẫn trả lời, nhưng máy chủ tên miền không phân giải được tên nào.
        [uplink_down] Cổng ra vẫn trả lời, nhưng không có gì trên Internet trả lời.
        [captive] Một trang web (cổng đăng nhập) trả lời thay cho Internet.
        [degraded] Internet vẫn trả lời, nhưng mất gói hoặc chậm.
       *[other] Không kiểm tra được hết các bậc trên đường ra Internet.
    }
    .action = { $verdict ->
        [lan_down] Kiểm tra dây mạng hoặc kết nối không dây, bộ chuyển mạch và cấu hình mạng của máy.
        [gateway_down] Kiểm tra nguồn và dây cáp của bộ định tuyến tại chỗ, rồi khởi động lại bộ định tuyến.
        [dns_broken] Kiểm tra máy chủ tên miền trong cấu hình mạng của máy và chính máy chủ đó.
        [uplink_down] Báo sự cố cho nhà cung cấp Internet, kèm thời điểm bắt đầu.
        [captive] Đăng nhập trên trang đó, hoặc yêu cầu nhà cung cấp gỡ trang này khỏi đường truyền.
        [degraded] So với các máy khác cùng địa điểm: nếu tất cả đều kém thì báo nhà cung cấp; nếu chỉ máy này thì kiểm tra dây mạng hoặc sóng không dây.
       *[other] Xem từng bậc kiểm tra trên trang của máy này.
    }
    .source = Thang kiểm tra kết nối của Trạm: từng bậc một, từ cổng mạng của máy ra ngoài; bậc thấp nhất bị hỏng được nêu tên.

host_silent =
    .title = { $ended ->
        [shutdown] Máy đã bị tắt
        [agent] Tác tử trên máy đã bị dừng
       *[none] Máy không còn gửi báo cáo
    }
    .detail = { $ended ->
        [shutdown] Cách đây { $silent_s } máy báo rằng đang tắt và chưa bật lại. Máy này phải luôn hoạt động.
        [agent] Cách đây { $silent_s } tác tử báo rằng nó bị dừng. Máy có thể vẫn chạy, nhưng không được theo dõi.
       *[none] Đã { $silent_s } không nhận được tin gì từ máy, và máy không báo trước là sẽ tắt.
    }
    .action = { $ended ->
        [shutdown] Hỏi xem ai đã tắt máy và khi nào bật lại. Nếu không ai tắt, kiểm tra nguồn điện và bộ lưu điện (UPS).
        [agent] Khởi động lại tác tử: systemctl start tram-agent
       *[none] Xem các máy khác cùng địa điểm có gửi báo cáo không. Nếu không máy nào gửi, kiểm tra điện và Internet của địa điểm; nếu chỉ máy này im lặng, kiểm tra nguồn, mạng và xem máy có bị treo không.
    }
    .source = Hai lần rưỡi chu kỳ gửi: thiếu hai báo cáo liên tiếp và báo cáo thứ ba đã trễ.

host_missing =
    .title = Máy đã im lặng nhiều ngày
    .detail = Đã { $silent_s } không nhận được tin gì từ máy. Máy này phải luôn hoạt động.
    .action = Đến tận nơi hoặc hỏi tại chỗ: máy còn ở đó, còn điện và còn nối mạng không? Nếu máy đã thôi sử dụng thì ghi nhận tại đây.
    .source = Lựa chọn của Trạm: 3 ngày đủ cho ngày nghỉ cuối tuần và việc sửa điện, sửa đường truyền thông thường.

workstation_unseen =
    .title = Đã lâu không thấy máy tính này
    .detail = Lần báo cáo gần nhất cách đây { $silent_s }.
    .action = Hỏi xem máy còn được sử dụng không. Nếu máy đã được thay thế, chuyển đi hoặc cất kho thì ghi nhận tại đây; nếu vẫn dùng thì kiểm tra tác tử có chạy không.
    .source = Lựa chọn của Trạm: 14 ngày đủ cho một kỳ nghỉ thông thường; máy tắt vào buổi tối không bao giờ bị coi là hỏng.

retired =
    .title = Quy tắc không còn trong phiên bản này
    .detail = Cảnh báo này do một phiên bản khác tạo ra.
    .action = Không cần làm gì: cảnh báo sẽ kết thúc khi máy gửi báo cáo tiếp theo.
    .source = Không có.

resolved-gone = Cảnh báo kết thúc vì { $part } không còn trên máy.
resolved-disabled = Cảnh báo kết thúc vì quy tắc đã được tắt.

# Đơn vị thời gian, từ ngày đến giây.
unit-day = ngày
unit-hour = giờ
unit-minute = phút
unit-second = giây
# Thay cho một con số chưa biết.
figure-unknown = số chưa rõ
# Thay cho một bộ phận không có tên.
part-unnamed = bộ phận không tên

# Cảnh báo hay phiếu việc nói gì về bộ phận liên quan.
part-reasons = Lý do: { $text }.
part-identity = Bộ phận: { $text }.
part-figures = Số liệu: { $text }.
part-model = kiểu { $text }
part-serial = số sê-ri { $text }
part-place = vị trí { $text }
unit-hours = { $text } giờ
